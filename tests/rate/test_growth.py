"""Growth of the curvature against its limits in closed form."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrbound.rate.growth import GrowingLayer, grown

positive = st.floats(1e-3, 1e3)
chains = st.lists(st.builds(GrowingLayer, positive, positive), min_size=1, max_size=6)


@given(chains)
def test_without_a_target_nothing_grows(layers):
    assert grown(layers, 0.0) == pytest.approx(sum(layer.curvature for layer in layers))


@given(chains, positive, positive)
def test_the_curvature_never_falls_as_the_target_grows(layers, target, more):
    assert grown(layers, target + more) >= grown(layers, target) * (1.0 - 1e-9)


@given(positive, positive)
def test_one_layer_has_nothing_that_could_raise_it(curvature, target):
    assert grown([GrowingLayer(curvature, 1.0)], target) == pytest.approx(curvature)


@pytest.mark.parametrize("target", [0.1, 1.0, 10.0, 100.0])
def test_two_layers_keep_what_gradient_flow_conserves(target):
    """K^2 - 4 kappa f^2 is constant, kappa = K_1/g_2, with f between half the output and all of it."""
    first, second, gain = 3.0, 2.0, 0.5
    found = grown([GrowingLayer(first, 1.0), GrowingLayer(second, gain)], target)
    low, high = (math.sqrt((first + second) ** 2 + 4.0 * first / gain * f * f) for f in (0.5 * target, target))

    assert low * 0.99 <= found <= high * 1.01


@pytest.mark.parametrize("depth", [2, 4, 8])
def test_small_initialisations_end_as_a_balanced_chain(depth):
    """L f^(2-2/L) |x|^(2/L), whatever the initialisation."""
    size, norm = 5.0, 8.0
    layers = [GrowingLayer(norm**2 * 1e-3 ** (depth - 1), 1e-3)] * depth

    assert grown(layers, size) == pytest.approx(depth * size ** (2 - 2 / depth) * norm ** (2 / depth), rel=0.2)


def test_wide_layers_stay_as_they_are():
    width = 1e6
    layers = [GrowingLayer(64.0, 2.0), GrowingLayer(width, 2.0), GrowingLayer(width, 2.0)]

    assert grown(layers, 1.0) == pytest.approx(64.0 + 2.0 * width, rel=1e-3)


def test_a_layer_without_curvature_is_left_out():
    layers = [GrowingLayer(2.0, 1.0), GrowingLayer(3.0, 1.0)]

    assert grown([layers[0], GrowingLayer(0.0, 1.0), layers[1]], 4.0) == pytest.approx(grown(layers, 4.0))


@given(st.lists(positive, min_size=1, max_size=5), positive)
def test_what_a_normaliser_rescales_raises_no_other_layer(below, target):
    """A single layer above them grows by itself alone: its curvature stays, and theirs grows with its square alone."""
    head = GrowingLayer(4.0, 0.5)
    layers = [*(GrowingLayer(curvature, 1.0, rescaled=True) for curvature in below), head]
    merged = [GrowingLayer(sum(below), 1.0, rescaled=True), head]

    assert grown(layers, target) == pytest.approx(grown(merged, target), rel=1e-3)
