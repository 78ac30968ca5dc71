"""Published values and special cases of single activations."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lrbound.activations.elu import Elu
from lrbound.activations.erf import Erf
from lrbound.activations.identity import Identity
from lrbound.activations.leaky_relu import LeakyRelu
from lrbound.activations.relu import Relu
from lrbound.activations.selu import Selu

ONE, HALF = np.array(1.0), np.array(0.5)


def test_relu_keeps_half_of_the_second_moment():
    """He et al. 2015: E relu(u)^2 = s^2/2."""
    assert Relu().local(0.0, np.array(3.0)).value == 4.5


def test_relu_at_correlation_one_half():
    """Cho and Saul 2009, equation 6, at theta = pi/3."""
    value, slope, stein = Relu().pair(0.0, ONE, ONE, HALF)
    assert slope == pytest.approx(1 / 3)
    assert value == pytest.approx((math.sqrt(3) / 2 + math.pi / 3) / (2 * math.pi))
    assert stein == pytest.approx(math.sqrt(3) / (4 * math.pi))


def test_leaky_relu_interpolates_between_relu_and_identity():
    for mean in (0.0, 0.7):
        for slope, other in ((0.0, Relu()), (1.0, Identity())):
            leaky = LeakyRelu(negative_slope=slope)
            np.testing.assert_allclose(
                leaky.pair(mean, ONE, 2 * ONE, HALF), other.pair(mean, ONE, 2 * ONE, HALF), atol=1e-12
            )
            np.testing.assert_allclose(leaky.local(mean, ONE), other.local(mean, ONE), atol=1e-12)


def test_erf_saturates_to_the_arc_sine_law():
    """Van Vleck and Middleton 1966: E sign(u) sign(v) = (2/pi) asin(rho)."""
    wide = np.array(1e6)
    assert Erf().pair(0.0, wide, wide, HALF).value == pytest.approx(2 / math.pi * math.asin(0.5), abs=1e-9)


def test_erf_closed_form_and_series_agree():
    """A mean of 1e-300 takes the series."""
    sd = np.array(1.2)
    for rho in np.array([-0.99, -0.3, 0.0, 0.8]):
        np.testing.assert_allclose(Erf().pair(1e-300, sd, ONE, rho), Erf().pair(0.0, sd, ONE, rho), atol=1e-8)
    np.testing.assert_allclose(Erf().local(1e-300, sd), Erf().local(0.0, sd), atol=1e-12)


def test_selu_has_its_fixed_point():
    """Klambauer et al. 2017: E phi^2 = 1 at mean 0 and variance 1."""
    assert float(Selu().local(0.0, ONE).value) == pytest.approx(1.0, abs=1e-12)


def test_elu_second_moment():
    """By hand: 1/2 + e^2 cdf(-2) - 2 e^(1/2) cdf(-1) + 1/2."""

    def cdf(x):
        return 0.5 * math.erfc(-x / math.sqrt(2))

    expected = 1.0 + math.exp(2.0) * cdf(-2.0) - 2.0 * math.exp(0.5) * cdf(-1.0)
    assert float(Elu().local(0.0, ONE).value) == pytest.approx(expected, abs=1e-12)
