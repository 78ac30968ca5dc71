"""Weights that are 0 at the start: what lies above and below them against real networks, and what has no derivative there."""

from __future__ import annotations

import numpy as np
import pytest

import lrbound
from lrbound.empirical.measure import measure
from lrbound.errors import Refused

NETS = {
    "a head": ("[200]", "[linear: 300, relu, linear: 300, relu, linear: {features: 10, init: zeros}]"),
    "ends of branches": (
        "[200]",
        (
            "[linear: 200, repeat: {times: 3, layers: [residual: [batch_norm, relu, linear: 200, batch_norm, relu, "
            "linear: {features: 200, init: zeros}]]}, relu, linear: 10]"
        ),
    ),
    "under tanh": ("[200]", "[linear: 300, relu, linear: {features: 300, init: zeros}, tanh, linear: 10]"),
    "with biases": (
        "[200]",
        "[linear: 300, relu, linear: {features: 300, init: {zeros: {}, bias_variance: 1}}, relu, linear: 10]",
    ),
    "a convolution": (
        "[3, 10, 10]",
        (
            "[conv2d: {channels: 32, kernel: 3, padding: 1}, relu, residual: [conv2d: {channels: 32, kernel: 3, padding: 1}, "
            "relu, conv2d: {channels: 32, kernel: 3, padding: 1, init: zeros}], relu, global_avg_pool, "
            "linear: {features: 10, init: zeros}]"
        ),
    ),
}


def network(shape, layers):
    text = f"version: 1\ninput: {{shape: {shape}}}\ninit: he\ntraining: {{batch_size: 64}}\nlayers: {layers}"
    return lrbound.parse(text)


@pytest.mark.parametrize("name", NETS)
def test_lambda_max_at_the_start_is_that_of_drawn_networks(name):
    net = network(*NETS[name])
    values = [sample.lambda_max for sample in measure(net, seeds=6)]
    error = np.std(values, ddof=1) / np.sqrt(len(values)) / np.mean(values)

    assert lrbound.predict(net).lambda_max == pytest.approx(np.mean(values), rel=0.05 + 2.0 * error)


@pytest.mark.parametrize(
    ("layers", "text"),
    [
        ("[linear: {features: 9, init: zeros}, batch_norm, relu, linear: 2]", "divides by the root of its eps alone"),
        ("[linear: {features: 9, init: zeros}, layer_norm, linear: 2]", "divides by the root of its eps alone"),
        ("[linear: {features: 9, init: zeros}, relu, linear: 2]", "its slope jumps and torch lets no gradient through"),
    ],
)
def test_what_zeros_alone_leave_without_a_derivative_is_refused_with_its_place(layers, text):
    with pytest.raises(Refused, match=text) as refused:
        lrbound.predict(network("[8]", layers))

    assert refused.value.line == 5
