"""The pair functions of relu at any mean, and the series where it converges slowly."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import ndtr
from scipy.stats import norm

from lrbound.activations.gelu import Gelu
from lrbound.activations.tanh import Tanh
from lrbound.meanfield.gaussian import divide, local, rectified, rectified_local, series
from tests.activations.double_integral import integral


def conditional(mean, sd_a, sd_b, rho):
    """E relu(u) relu(v) and E [u > 0, v > 0] by single integrals: the means over v given u are known."""
    root = sd_b * math.sqrt((1 - rho) * (1 + rho))

    def given_u(z):
        m = mean + sd_b * rho * z
        return m * ndtr(m / root) + root * math.exp(-0.5 * (m / root) ** 2) / math.sqrt(2 * math.pi), ndtr(m / root)

    # The integrand starts where u = 0 and bends where the mean of v given u is 0, within a few of its deviations.
    start, cuts = -mean / sd_a, {0.0, 1.0, 2.0, 4.0, 10.0}
    if rho:
        cuts |= {-mean / (sd_b * rho) + step * root / (sd_b * abs(rho)) for step in (-9, -3, -1, 0, 1, 3, 9)}
    cuts = sorted({start, *(cut for cut in cuts if start < cut <= 10.0)})
    value = [quad(lambda z: (mean + sd_a * z) * given_u(z)[0] * norm.pdf(z), *ends)[0] for ends in pairwise(cuts)]
    slope = [quad(lambda z: given_u(z)[1] * norm.pdf(z), *ends)[0] for ends in pairwise(cuts)]
    return sum(value), sum(slope)


@pytest.mark.parametrize("mean", [0.7, -0.7, 0.01])
@pytest.mark.parametrize("rho", [-0.999999, -0.9, 0.0, 0.5, 0.99, 0.9999999])
@pytest.mark.parametrize("sds", [(1.0, 1.0), (1.0, 1.0001), (0.3, 2.0)])
def test_shifted_relu(mean, rho, sds):
    """Close to |rho| = 1 with almost equal deviations is where forms of the bivariate normal break."""
    pair = rectified(mean, np.array(sds[0]), np.array(sds[1]), np.array(rho))
    assert (float(pair.value), float(pair.slope)) == pytest.approx(conditional(mean, *sds, rho), abs=1e-9)


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


@pytest.mark.parametrize("mean", [0.0, 0.7])
@pytest.mark.parametrize("sd_b", [3.0, 10.0])
@pytest.mark.parametrize("rho", [-0.99, 0.5, 0.9, 0.99, 0.999])
def test_saturated_tanh(mean, sd_b, rho):
    """At s = 10 tanh is almost a sign and its series is cut off: measured 1.1e-5 (value) and 1.9e-3 (slope), at rho = 0.999."""
    expected = integral(Tanh(), mean, 10.0, sd_b, rho)
    pair = series(Tanh(), mean, np.array(10.0), np.array(sd_b), np.array(rho))
    assert float(pair.value) == pytest.approx(expected[0], abs=2e-5)
    assert float(pair.slope) == pytest.approx(expected[1], abs=3e-3 * float(local(Tanh(), mean, np.array(sd_b)).slope))


def test_relu_is_the_limit_of_gelu():
    """At s = 1000 gelu's slope is a step; its series still has relu's value to 1e-4."""
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
