"""Moments of one unit and of a batch on a sphere, against drawn units."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lrbound.activations.gelu import Gelu
from lrbound.activations.identity import Identity
from lrbound.activations.leaky_relu import LeakyRelu
from lrbound.activations.relu import Relu
from lrbound.activations.tanh import Tanh
from lrbound.backward.unit_moments import LINEAR, unit
from lrbound.curvature.localized import best
from lrbound.forward import small_batch as sphere
from lrbound.forward.sweep import GAUSSIAN


def test_relu_has_the_numbers_of_the_theory() -> None:
    # lrbound/theory/finite.md, section 3 (iii): 4.41, 1 and 0.53; half of the units of one sample, all of the mean
    u = unit(Relu(), 0.0, 1.0, 0.0, math.inf)

    assert u.one == pytest.approx(2.0, rel=1e-3)
    assert u.mean == pytest.approx(1.0, rel=1e-9)
    assert (u.norm, u.gain, u.both) == pytest.approx((4.41, 1.0, 0.533), abs=0.01)
    assert (u.norm_slope, u.gain_slope) == pytest.approx((1.0, 0.0), abs=1e-3)


def test_the_mean_over_one_sample_is_that_sample() -> None:
    u = unit(Relu(), 0.0, 1.3, 0.4, 1.0)

    assert u.mean == pytest.approx(u.one, rel=1e-9)


def test_a_linear_unit() -> None:
    assert unit(Identity(), 0.0, 2.0, 0.0, math.inf)[:7] == pytest.approx(LINEAR[:7], abs=1e-3)


@pytest.mark.parametrize("curve", [Relu(), Tanh(), Gelu(), LeakyRelu(negative_slope=0.2)])
@pytest.mark.parametrize(("mean", "q", "x", "n"), [(0.0, 1.0, 0.5, 8), (0.4, 2.0, 1.5, 5)])
def test_against_drawn_units(curve, mean: float, q: float, x: float, n: int) -> None:
    rng = np.random.default_rng(3)
    m = mean + math.sqrt(x) * rng.standard_normal((200_000, 1))
    values = m + math.sqrt(q - x) * rng.standard_normal((200_000, n))
    slope, value = curve.slope(values), curve.value(values)
    u = unit(curve, mean, q, x, float(n))

    assert u.one == pytest.approx(np.mean(slope**4) / np.mean(slope**2) ** 2, rel=0.03)
    averaged = slope.mean(axis=1)
    assert u.mean == pytest.approx(np.mean(averaged**4) / np.mean(averaged**2) ** 2, rel=0.03)
    averaged = value.mean(axis=1)
    assert u.shared + 1.0 == pytest.approx(np.mean(averaged**4) / np.mean(averaged**2) ** 2, rel=0.06)


def drawn_batch(n: int, units: int) -> np.ndarray:
    z = np.random.default_rng(4).standard_normal((units, n))
    z -= z.mean(axis=1, keepdims=True)
    return z / np.sqrt((z * z).mean(axis=1, keepdims=True))


@pytest.mark.parametrize("n", [6, 10, 24])
def test_the_sphere_law_against_normalised_batches(n: int) -> None:
    z = drawn_batch(n, 200_000)
    phi, slope = np.tanh(z), 1.0 - np.tanh(z) ** 2
    c = -1.0 / (n - 1)
    rng = np.random.default_rng(5)
    u, w = rng.standard_normal((2, 1_000_000))
    v = c * u + math.sqrt(1 - c * c) * w
    gaussian = np.mean(np.tanh(u) ** 2) - np.mean(np.tanh(u) * np.tanh(v))
    sphere_law = np.mean(phi[:, 0] ** 2) - np.mean(phi[:, 0] * phi[:, 1])
    slopes = np.mean(slope**2) / np.mean((1.0 - np.tanh(u) ** 2) ** 2)
    found = sphere.correction(Tanh(), 1.0, 0.0, float(n))

    assert found.varying == pytest.approx(sphere_law / gaussian, rel=0.01)
    assert found.slopes == pytest.approx(slopes, rel=0.01)


def test_homogeneous_functions_and_large_batches_need_no_sphere() -> None:
    assert sphere.correction(Relu(), 1.0, 0.0, 8.0) == GAUSSIAN
    assert sphere.correction(LeakyRelu(negative_slope=0.2), 2.0, 0.0, 8.0) == GAUSSIAN
    assert sphere.correction(Relu(), 1.0, 0.5, 8.0) != GAUSSIAN
    assert sphere.correction(Tanh(), 1.0, 0.0, 2000.0) == pytest.approx(GAUSSIAN, abs=2e-3)
    assert sphere.correction(Tanh(), 1.0, 0.0, math.inf) == GAUSSIAN


@pytest.mark.parametrize("count", [2, 16, 256])
@pytest.mark.parametrize("spread", [0.01, 0.3, 0.85])
def test_the_best_of_a_batch(count: int, spread: float) -> None:
    largest = np.random.default_rng(6).standard_normal((40_000, count)).max(axis=1)

    drawn = np.exp(spread * largest - 0.5 * spread**2).mean()

    assert best(spread, float(count)) == pytest.approx(drawn, rel=0.01)  # 40,000 draws are good to 0.5 %
    assert best(spread, 1.0) == best(0.0, float(count)) == 1.0
