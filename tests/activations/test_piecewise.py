"""Activations made of straight or polynomial pieces: moments by hand, from those of the normal law cut at the kinks."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lrbound.activations.hardsigmoid import Hardsigmoid
from lrbound.activations.hardswish import Hardswish
from lrbound.activations.hardtanh import Hardtanh
from lrbound.activations.relu import Relu
from lrbound.activations.relu6 import Relu6
from lrbound.activations.silu import Silu

ONE, HALF = np.array(1.0), np.array(0.5)


def below(z):
    return 0.5 * math.erfc(-z / math.sqrt(2))


def density(z):
    return math.exp(-z * z / 2) / math.sqrt(2 * math.pi)


def cut_moment(power, low, high):
    """E z^power between two places, by partial integration."""
    if power == 0:
        return below(high) - below(low)
    ends = low ** (power - 1) * density(low) - high ** (power - 1) * density(high)
    return ends + (power - 1) * (cut_moment(power - 2, low, high) if power > 1 else 0.0)


@pytest.mark.parametrize("sd", [0.5, 2.0, 9.0])
def test_relu6_second_moment(sd):
    expected = sd**2 * cut_moment(2, 0.0, 6 / sd) + 36 * below(-6 / sd)
    assert float(Relu6().local(0.0, sd * ONE).value) == pytest.approx(expected, abs=1e-12)


def test_relu6_is_relu_where_6_is_never_reached():
    for mean in (0.0, 0.2):
        for actual, expected in zip(
            Relu6().pair(mean, 0.5 * ONE, 0.6 * ONE, HALF), Relu().pair(mean, 0.5 * ONE, 0.6 * ONE, HALF), strict=True
        ):
            assert float(actual) == pytest.approx(float(expected), abs=1e-11)


@pytest.mark.parametrize("sd", [0.5, 2.0, 9.0])
def test_hardtanh_second_moment_and_slope(sd):
    inside = below(1 / sd) - below(-1 / sd)
    found = Hardtanh().local(0.0, sd * ONE)
    assert float(found.value) == pytest.approx(sd**2 * cut_moment(2, -1 / sd, 1 / sd) + 1 - inside, abs=1e-12)
    assert float(found.slope) == pytest.approx(inside, abs=1e-12)


def test_wide_hardtanh_is_the_sign():
    """Van Vleck and Middleton 1966: E sign(u) sign(v) = (2/pi) asin(rho)."""
    wide = np.array(1e3)
    assert float(Hardtanh().pair(0.0, wide, wide, HALF).value) == pytest.approx(2 / math.pi * math.asin(0.5), abs=2e-6)


def test_hardsigmoid_is_a_shifted_hardtanh():
    """(1 + hardtanh(u/3))/2: so E phi phi = (1 + E hardtanh hardtanh)/4 at mean 0."""
    sds = 2.0 * ONE, 4.0 * ONE
    inner = Hardtanh().pair(0.0, sds[0] / 3, sds[1] / 3, HALF)
    found = Hardsigmoid().pair(0.0, *sds, HALF)
    assert float(found.value) == pytest.approx((1 + float(inner.value)) / 4, abs=1e-10)
    assert float(found.slope) == pytest.approx(float(inner.slope) / 36, abs=1e-10)


@pytest.mark.parametrize("sd", [0.5, 2.0, 9.0])
def test_hardswish_second_moment(sd):
    edge = 3 / sd
    middle = sum(
        factor * sd**power * cut_moment(power, -edge, edge) for factor, power in ((1, 4), (6, 3), (9, 2))
    )  # u^2 (u + 3)^2
    expected = middle / 36 + sd**2 * cut_moment(2, edge, 40.0)
    assert float(Hardswish().local(0.0, sd * ONE).value) == pytest.approx(expected, rel=1e-12)


def test_hardswish_stands_for_silu():
    """Howard et al. 2019: within 0.15 everywhere, so the second moments of inputs of variance 1 are alike."""
    u = np.linspace(-10, 10, 2001)
    assert np.abs(Hardswish().value(u) - Silu().value(u)).max() < 0.15
    ratio = float(Hardswish().local(0.0, ONE).value / Silu().local(0.0, ONE).value)
    assert ratio == pytest.approx(1.0, abs=0.1)
