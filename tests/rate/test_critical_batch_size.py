"""The critical batch size against predictions at many batch sizes."""

from __future__ import annotations

import dataclasses
import math

import pytest

import lrbound

SPEC = """
version: 1
input: {shape: [64], correlation: 0.48}
init: he
training: {loss: half_squared_error, optimizer: {name: sgd, momentum: MU, nesterov: NESTEROV}}
layers: [linear: 256, relu, linear: 256, relu, linear: 1]
"""


@pytest.fixture(
    params=[("0.5", "false"), ("0.9", "false"), ("0.9", "true")], ids=["light ball", "heavy ball", "nesterov"]
)
def network(request):
    momentum, nesterov = request.param
    return lrbound.parse(SPEC.replace("MU", momentum).replace("NESTEROV", nesterov))


def at(network, size):
    training = dataclasses.replace(network.training, batch_size=size)
    return lrbound.predict(dataclasses.replace(network, training=training))


def test_the_largest_rate_is_half_of_that_of_a_full_batch_at_the_critical_size(network):
    full = at(network, None)
    below, above = math.floor(full.critical_batch_size), math.ceil(full.critical_batch_size)

    assert at(network, below).max_learning_rate <= 0.51 * full.max_learning_rate
    assert at(network, above).max_learning_rate >= 0.49 * full.max_learning_rate


def test_far_above_the_critical_size_a_larger_batch_buys_no_larger_rate(network):
    large = round(100 * at(network, None).critical_batch_size)

    assert at(network, 4 * large).max_learning_rate == pytest.approx(at(network, large).max_learning_rate, rel=0.03)


def test_without_batch_statistics_the_stated_batch_moves_the_critical_size_by_corrections_at_finite_width_alone(
    network,
):
    assert at(network, 32).critical_batch_size == pytest.approx(at(network, None).critical_batch_size, rel=0.01)


def test_well_below_the_critical_size_the_rate_grows_in_proportion_to_the_batch():
    network = lrbound.parse(SPEC.replace("MU", "0.99").replace("NESTEROV", "false"))
    assert at(network, None).critical_batch_size > 40

    assert at(network, 2).max_learning_rate == pytest.approx(2 * at(network, 1).max_learning_rate, rel=0.06)
