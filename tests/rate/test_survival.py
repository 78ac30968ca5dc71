"""The largest rate against real training: networks of reports whose rate was unsafe without a word."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import lrbound

SPECS = Path(__file__).parent / "specs"

MLP = """
version: 1
input: {{shape: [64], correlation: 0.478, centred_share: 0.15}}
init: {init}
training: {{loss: cross_entropy, batch_size: {batch}, optimizer: {{name: sgd, momentum: {momentum}}}}}
layers: [{{repeat: {{times: {depth}, layers: [{{linear: {width}}}, {activation}]}}}}, {{linear: 10}}]
"""


def largest(name, **changes):
    network = lrbound.load(SPECS / f"{name}.yaml")
    return lrbound.predict(replace(network, training=replace(network.training, **changes))).max_learning_rate


# Provenance: multilayer perceptrons trained on scikit-learn's digits (mean square 1) for 300 steps at rates of a grid of factor
# sqrt(2), one seed; the largest rate whose loss ends below half of ln 10, and above which training collapsed or exploded.
TRAINED = [
    ("relu", "pytorch", 1, 32, 0.71),
    ("relu", "pytorch", 1, 128, 0.71),
    ("relu", "pytorch", 3, 32, 0.18),
    ("relu", "pytorch", 3, 128, 0.25),
    ("relu", "pytorch", 3, 512, 0.18),
    ("relu", "pytorch", 6, 128, 0.088),
    ("tanh", "pytorch", 1, 128, 0.5),
    ("tanh", "pytorch", 3, 128, 0.35),
    ("tanh", "pytorch", 6, 512, 0.088),
    ("relu", "lecun", 3, 128, 0.25),
    ("tanh", "lecun", 3, 32, 0.5),
]


@pytest.mark.parametrize(("activation", "init", "depth", "width", "trains_to"), TRAINED)
def test_the_largest_rate_of_probabilities_without_normaliser_survives(activation, init, depth, width, trains_to):
    text = MLP.format(activation=activation, init=init, depth=depth, width=width, batch=128, momentum=0.9)
    found = lrbound.predict(lrbound.parse(text)).max_learning_rate

    assert 0.05 * trains_to <= found <= trains_to


def test_a_signal_that_vanishes_at_the_start_does_not_allow_a_large_rate():
    """0.03 learns, 0.1 stays at chance; the curvature at the start allows 20."""
    assert 0.003 <= largest("vanishing16") <= 0.03


def test_large_targets_lower_the_rate():
    """Targets of mean square 1.8e7: training diverges from 1.8e-4 on."""
    assert 0.00001 <= largest("targets", target_scale=1.8e7**0.5) <= 1.8e-4


@pytest.mark.parametrize(("name", "diverges"), [("few-features-full", 0.0087), ("few-features-minibatch", 0.0095)])
def test_few_features_are_directions_that_no_batch_renews(name, diverges):
    assert 0.5 * diverges <= largest(name) <= diverges


def test_a_narrow_layer_under_many_outputs_limits_the_rate():
    """Batches drawn anew allow 0.082 in the limit of large widths; 0.3 of it diverges, and 0.0016 holds."""
    assert 0.0016 <= largest("narrow") <= 0.3 * 0.082


def test_the_reason_is_named():
    network = lrbound.load(SPECS / "targets.yaml")
    large = replace(network, training=replace(network.training, target_scale=4000.0))

    assert lrbound.predict(large).limited_by == "targets"
    assert lrbound.predict(lrbound.load(SPECS / "few-features-full.yaml")).limited_by == "data"


def test_a_larger_target_never_raises_the_rate():
    network = lrbound.load(SPECS / "targets.yaml")
    rates = [
        lrbound.predict(replace(network, training=replace(network.training, target_scale=scale))).max_learning_rate
        for scale in (0.0, 1.0, 10.0, 100.0)
    ]

    assert rates == sorted(rates, reverse=True)
    assert rates[0] > 10.0 * rates[-1]
