"""Networks with activations that have several kinks, or none, against lambda_max of sampled ones."""

from __future__ import annotations

import pytest

from lrbound import predict
from lrbound.spec import parse

MEASURED = {
    "fc-relu6": (
        """
version: 1
input: {shape: [200], mean_square: 9.0}
init: he
training: {batch_size: 32}
layers:
  - repeat: {times: 4, layers: [{linear: 400}, relu6]}
  - linear: 10
""",
        3461.0,
        420.0,
        6,
    ),
    "cnn-bn-relu6": (
        """
version: 1
input: {shape: [3, 10, 10]}
init: he
training: {batch_size: 32}
layers:
  - repeat: {times: 3, layers: [{conv2d: {channels: 48, kernel: 3, padding: 1, bias: false}}, {batch_norm: {gamma: 3.0, beta: 1.0}}, relu6]}
  - global_avg_pool
  - linear: 10
""",
        143.67,
        0.59,
        6,
    ),
    "fc-bn-hardswish": (
        """
version: 1
input: {shape: [200]}
init: he
training: {batch_size: 64}
layers:
  - repeat: {times: 3, layers: [{linear: 400}, {batch_norm: {gamma: 2.0}}, hardswish]}
  - linear: 10
""",
        151.5,
        3.3,
        6,
    ),
    "fc-hardswish-6x300": (
        """
version: 1
input: {shape: [300], mean_square: 4.0}
init: he
training: {batch_size: 32}
layers:
  - repeat: {times: 6, layers: [{linear: 300}, hardswish]}
  - linear: 10
""",
        2456.3,
        500.0,
        20,
    ),
    "cnn-bn-hardswish": (
        """
version: 1
input: {shape: [3, 12, 12]}
init: he
training: {batch_size: 32}
layers:
  - repeat: {times: 3, layers: [{conv2d: {channels: 48, kernel: 3, padding: 1, bias: false}}, {batch_norm: {gamma: 1.5}}, hardswish]}
  - global_avg_pool
  - linear: 10
""",
        8.4928,
        0.21,
        6,
    ),
    "fc-hardtanh": (
        """
version: 1
input: {shape: [200], mean_square: 2.0}
init: he
training: {batch_size: 32}
layers:
  - repeat: {times: 4, layers: [{linear: 400}, hardtanh]}
  - linear: 10
""",
        135.59,
        3.4,
        6,
    ),
    "fc-hardsigmoid": (
        """
version: 1
input: {shape: [200], mean_square: 2.0}
init: he
training: {batch_size: 32}
layers:
  - repeat: {times: 3, layers: [{linear: 400}, hardsigmoid]}
  - linear: 10
""",
        112.5,
        3.0,
        6,
    ),
    "fc-softsign": (
        """
version: 1
input: {shape: [200], mean_square: 2.0}
init: he
training: {batch_size: 32}
layers:
  - repeat: {times: 3, layers: [{linear: 400}, softsign]}
  - linear: 10
""",
        11.845,
        0.67,
        6,
    ),
}
"""Spec; mean and standard deviation of lambda_max, as `lrbound measure` has them; number of initialisations (seed 0)."""


@pytest.mark.parametrize("name", MEASURED)
def test_prediction_is_within_ten_percent_of_measured_networks(name):
    text, mean, deviation, count = MEASURED[name]
    assert deviation / count**0.5 < 0.05 * mean  # so that the test can fail
    assert predict(parse(text, source=name)).lambda_max == pytest.approx(mean, rel=0.1)
