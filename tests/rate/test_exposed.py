"""What bounds the growth of layers: normalisers above them, and activations with a largest value."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lrbound
from lrbound.activations import ACTIVATIONS
from lrbound.rate.exposed import bounded_features, leaves, rescaled

HEADER = """
version: 1
input: {shape: [8]}
init: he
training: {loss: half_squared_error, target_scale: SCALE, batch_size: 32, optimizer: {name: sgd, momentum: 0.9}}
"""


def parsed(layers, scale=1.0):
    return lrbound.parse(HEADER.replace("SCALE", str(scale)) + f"layers: {layers}")


def below_a_normaliser(layers):
    """Whether a normaliser undoes the growth of each weight layer, in network order."""
    network = parsed(layers)
    found = dict(rescaled(network.nodes))
    return [found[node.path] for node, _ in leaves(network.nodes, network.input.shape) if node.layer.has_weights]


def test_a_normaliser_of_samples_undoes_the_growth_of_what_is_below_it():
    assert below_a_normaliser("[linear: 32, layer_norm, relu, linear: 32, layer_norm, relu, linear: 1]") == [
        True,
        True,
        False,
    ]


def test_a_skip_connection_carries_growth_past_the_normaliser_of_its_branch():
    inside = "{residual: [layer_norm, relu, {linear: 32}]}"
    assert below_a_normaliser(f"[linear: 32, {inside}, linear: 1]") == [False, False, False]
    assert below_a_normaliser(f"[linear: 32, {inside}, layer_norm, linear: 1]") == [True, True, False]


def test_the_proxy_of_an_activation_does_not_rescale():
    assert below_a_normaliser("[linear: 32, proxy_norm: relu, linear: 1]") == [False, False]


@pytest.mark.parametrize(
    ("layers", "square"),
    [
        ("[linear: 32, tanh, linear: 1]", 32.0),
        ("[linear: 32, relu6, linear: 1]", 36.0 * 32.0),
        ("[linear: 32, tanh, {dropout: 0.5}, linear: 1]", 4.0 * 32.0),
        ("[linear: 32, relu, linear: 1]", math.inf),
        ("[linear: 32, tanh, layer_norm, linear: 1]", math.inf),
        ("[linear: 32, tanh, {residual: [{linear: 32}, tanh]}, linear: 1]", math.inf),
    ],
)
def test_features_are_bounded_by_the_last_activation(layers, square):
    network = parsed(layers)
    assert bounded_features(network.nodes, network.input.shape) == pytest.approx(square)


@pytest.mark.parametrize("name", ACTIVATIONS.names())
def test_no_value_exceeds_the_largest_that_an_activation_states(name):
    phi = ACTIVATIONS.get(name)()
    values = np.abs(phi.value(np.array([-1e4, -30.0, -1.0, 0.0, 1.0, 30.0, 1e4])))
    if math.isfinite(phi.largest):
        assert values.max() == pytest.approx(phi.largest, rel=1e-3)
        assert values.max() <= phi.largest
    else:
        assert values.max() > 100.0


# Provenance: networks of 8 white inputs trained on a smooth teacher's outputs times the scale, 300 steps of batches of 32, momentum
# 0.9, one to three seeds: the largest rate of a grid that ended below half of a constant's loss, and the least that did not.
TRAINED = [
    ("[linear: 32, tanh, linear: 1]", 1000.0, 0.119, 0.238),
    ("[repeat: {times: 3, layers: [linear: 128, tanh]}, linear: 1]", 1000.0, 0.00015, 0.0086),
    ("[repeat: {times: 2, layers: [linear: 64, layer_norm, tanh]}, linear: 1]", 1000.0, 0.00097, 0.00135),
    ("[repeat: {times: 3, layers: [linear: 128, sigmoid]}, linear: 1]", 1000.0, 0.00045, 0.00065),
    ("[repeat: {times: 2, layers: [linear: 64, layer_norm, relu]}, linear: 1]", 1000.0, 0.0002, 0.0008),
    ("[repeat: {times: 2, layers: [linear: 64, layer_norm, relu]}, linear: 1]", 30.0, 0.0074, math.inf),
    ("[repeat: {times: 2, layers: [linear: 64, relu6]}, linear: 1]", 1000.0, 0.00016, 0.00034),
]


@pytest.mark.parametrize(("layers", "scale", "learns", "fails"), TRAINED)
def test_networks_that_cannot_grow_without_bound_train_at_their_largest_rate_above_large_targets(
    layers, scale, learns, fails
):
    found = lrbound.predict(parsed(layers, scale)).max_learning_rate

    # below where units wear off: of one hidden layer, which learns up to 125 times the rate, that is cautious
    assert 0.007 * learns <= found < fails


def test_large_targets_do_not_cost_a_network_of_normalised_samples_what_they_cost_one_that_grows():
    def price(norm):
        layers = f"[repeat: {{times: 3, layers: [linear: 64, {norm}relu]}}, linear: 1]"
        return (
            lrbound.predict(parsed(layers)).max_learning_rate / lrbound.predict(parsed(layers, 100.0)).max_learning_rate
        )

    assert price("layer_norm, ") < 0.2 * price("")
