"""The pair functions of relu at any mean, and the series where it converges slowly."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import ndtr
from scipy.stats import multivariate_normal

from lrbound.activations.gelu import Gelu
from lrbound.activations.tanh import Tanh
from lrbound.meanfield.gaussian import divide, local, rectified, rectified_local, series


def conditional(mean, sd_a, sd_b, rho):
    """E relu(u) relu(v) by one adaptive integral: E[relu(v) | u] is known."""
    root = sd_b * math.sqrt((1 - rho) * (1 + rho))

    def integrand(z):
        u, m = mean + sd_a * z, mean + sd_b * rho * z
        inner = m * ndtr(m / root) + root * math.exp(-0.5 * (m / root) ** 2) / math.sqrt(2 * math.pi)
        return max(u, 0.0) * inner * math.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)

    corners = sorted({-mean / sd_a, -mean / (sd_b * rho)}) if rho else [-mean / sd_a]
    return quad(integrand, -10, 10, points=[c for c in corners if abs(c) < 10], epsabs=1e-13, limit=400)[0]


@pytest.mark.parametrize("mean", [0.7, -0.7, 0.01])
@pytest.mark.parametrize("rho", [-0.999999, -0.9, 0.0, 0.5, 0.99, 0.9999999])
@pytest.mark.parametrize("sds", [(1.0, 1.0), (1.0, 1.0001), (0.3, 2.0)])
def test_shifted_relu(mean, rho, sds):
    """Close to |rho| = 1 with almost equal deviations is where forms of the bivariate normal break."""
    pair = rectified(mean, np.array(sds[0]), np.array(sds[1]), np.array(rho))
    assert float(pair.value) == pytest.approx(conditional(mean, *sds, rho), abs=1e-9)
    if abs(rho) < 0.999:  # scipy's bivariate normal asks for more than a hair of determinant
        both = multivariate_normal.cdf([mean / sds[0], mean / sds[1]], cov=[[1, rho], [rho, 1]])
        assert float(pair.slope) == pytest.approx(both, abs=1e-7)


@pytest.mark.parametrize("mean", [0.7, -0.7])
def test_shifted_relu_at_full_correlation(mean):
    sd = np.array(1.3)
    np.testing.assert_allclose(rectified(mean, sd, sd, np.array(1.0)), rectified_local(mean, sd), atol=1e-9)
    opposite = rectified(mean, sd, sd, np.array(-1.0))
    both = max(0.0, 2 * ndtr(mean / 1.3) - 1)
    assert float(opposite.slope) == pytest.approx(both, abs=1e-9)


@given(rho=st.floats(-1, 1), sd_a=st.floats(0.1, 5), sd_b=st.floats(0.1, 5))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_shifted_relu_meets_the_centred_one(rho, sd_a, sd_b):
    args = np.array(sd_a), np.array(sd_b), np.array(rho)
    shifted, centred = rectified(1e-9, *args), rectified(0.0, *args)
    np.testing.assert_allclose(shifted.value, centred.value, atol=1e-7)
    np.testing.assert_allclose(shifted.slope, centred.slope, atol=1e-7)


@pytest.mark.parametrize("rho", [-0.99, 0.5, 0.9, 0.99, 0.999])
def test_saturated_tanh(rho):
    """tanh at s = 10 is almost a sign; the reference conditions on u and integrates v in its own steps."""
    x, w = np.polynomial.legendre.leggauss(400)
    sd, root = 10.0, math.sqrt(1 - rho**2)
    t, edge = np.arcsinh(9 / 1e-2), 1e-2  # z = edge sinh(t x): fine steps about 0
    z, dz = edge * np.sinh(t * x), edge * t * np.cosh(t * x) * w
    weight = dz * np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
    # E over z' = v/s: bivariate density on the product of both grids, in rotated form about v = 0.
    inner = np.array([_smoothed_tanh(sd, rho * zi, root) for zi in z])
    expected = float(weight * np.tanh(sd * z) @ inner)
    value = float(series(Tanh(), 0.0, np.array(sd), np.array(sd), np.array(rho)).value)
    assert value == pytest.approx(expected, rel=1e-5)


def _smoothed_tanh(sd, centre, root):
    x, w = np.polynomial.legendre.leggauss(400)
    cut = np.arcsinh(9 / (1e-2 / root))
    zero = -centre / root
    shift = 1e-2 / root * np.sinh(cut * x)
    y, dy = zero + shift, 1e-2 / root * cut * np.cosh(cut * x) * w
    far = np.abs(zero) + 9 > 9 and np.abs(zero) > 6  # the step lies outside the Gaussian's bulk
    if far:
        y, dy = 9 * x, 9 * w
    return float(np.sum(dy * np.tanh(sd * (centre + root * y)) * np.exp(-0.5 * y * y)) / math.sqrt(2 * math.pi))


def test_relu_is_the_limit_of_gelu():
    """At s = 1000 gelu's slope is a step; its series still has relu's value to 1e-5."""
    sd, rho = np.array(1e3), np.array([-0.9, 0.0, 0.9])
    gelu, relu = series(Gelu(), 0.0, sd, sd, rho), rectified(0.0, sd, sd, rho)
    np.testing.assert_allclose(gelu.value, relu.value, rtol=1e-4)
    np.testing.assert_allclose(gelu.slope, relu.slope, atol=2e-3)


def test_opposite_signs_of_an_odd_function():
    """The rest that the series misses must know its parity: E tanh(u) tanh(-u) = -E tanh(u)^2."""
    sd = np.array(20.0)
    opposite = series(Tanh(), 0.0, sd, sd, np.array(-1.0))
    same = local(Tanh(), 0.0, sd)
    assert float(opposite.value) == pytest.approx(-float(same.value), rel=1e-12)
    assert float(opposite.slope) == pytest.approx(float(same.slope), rel=1e-12)


def test_divide_gives_zero_where_there_is_nothing_to_divide_by():
    np.testing.assert_array_equal(divide(np.array([1.0, 2.0]), np.array([0.0, 4.0])), [0.0, 0.5])
