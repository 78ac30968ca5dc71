"""Smooth activations at special arguments."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lrbound.activations.celu import Celu
from lrbound.activations.elu import Elu
from lrbound.activations.gelu import Gelu
from lrbound.activations.mish import Mish
from lrbound.activations.relu import Relu
from lrbound.activations.softsign import Softsign

ONE, HALF = np.array(1.0), np.array(0.5)


def test_celu_of_alpha_1_is_elu():
    np.testing.assert_allclose(Celu().pair(0.3, ONE, 2 * ONE, HALF), Elu().pair(0.3, ONE, 2 * ONE, HALF), atol=1e-14)


def test_celu_scales():
    """Barron 2017, equation 3: celu(c u, c alpha) = c celu(u, alpha), so a small alpha makes it relu."""
    one, scaled = Celu(alpha=0.5).local(0.0, ONE), Celu(alpha=1.5).local(0.0, 3 * ONE)
    assert float(scaled.value) == pytest.approx(9 * float(one.value))
    assert float(scaled.slope) == pytest.approx(float(one.slope))
    assert float(Celu(alpha=1e-4).local(0.0, ONE).value) == pytest.approx(float(Relu().local(0.0, ONE).value), rel=1e-3)


def test_the_tanh_form_of_gelu_is_close_to_the_exact_one():
    u = np.linspace(-8, 8, 4001)
    exact, tanh = Gelu(), Gelu(approximate="tanh")
    difference = np.abs(exact.value(u) - tanh.value(u)).max()
    assert 1e-4 < difference < 5e-4
    np.testing.assert_allclose(tanh.pair(0.0, ONE, ONE, HALF), exact.pair(0.0, ONE, ONE, HALF), atol=1e-3)


def test_mish_at_published_values():
    """Misra 2020: bounded below by -0.31, and without a bound above."""
    u = np.linspace(-20, 40, 60001)
    assert Mish().value(u).min() == pytest.approx(-0.3088, abs=1e-4)
    assert float(Mish().value(np.array([40.0]))[0]) == pytest.approx(40.0)
    assert float(Mish().slope(np.array([0.0]))[0]) == pytest.approx(math.tanh(math.log(2.0)))


def test_softsign_of_narrow_input_is_the_identity():
    """phi(u) = u - u |u| + ..., and E |z|^3 = 2 sqrt(2/pi): E phi^2 = s^2 (1 - 4 sqrt(2/pi) s) to first order."""
    sd = 1e-4
    expected = sd**2 * (1 - 4 * math.sqrt(2 / math.pi) * sd)
    assert float(Softsign().local(0.0, np.array(sd)).value) == pytest.approx(expected, rel=1e-6)
