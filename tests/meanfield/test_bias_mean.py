"""Biases that all start at the same number: the mean of the units, which an activation sees."""

from __future__ import annotations

import math

import pytest
import torch

import lrbound
from lrbound.empirical.measure import measure

SPECS = {
    "relu": "input: {shape: [50]}\ntraining: {batch_size: 64}\nlayers: [linear: 200, relu, linear: 200, relu, linear: 10]",
    "smooth": "input: {shape: [50]}\ntraining: {batch_size: 64}\nlayers: [linear: 200, gelu, linear: 200, tanh, linear: 10]",
    "pools": (
        "input: {shape: [3, 12, 12]}\ntraining: {batch_size: 32}\nlayers: [conv2d: {channels: 32, kernel: 3, padding: 1}, "
        "avg_pool2d: 2, relu, conv2d: {channels: 64, kernel: 3, padding: 1}, relu, max_pool2d: 2, global_avg_pool, linear: 10]"
    ),
    "normalised": (
        "input: {shape: [50]}\ntraining: {batch_size: 64}\nlayers: [linear: 200, layer_norm, relu, linear: 200, batch_norm, "
        "relu, linear: 10]"
    ),
    "residual": (
        "input: {shape: [50]}\ntraining: {batch_size: 64}\nlayers: [linear: 200, relu, "
        "residual: {layers: [linear: 200, relu, linear: 200]}, relu, linear: 10]"
    ),
}


def network(name: str, mean: float):
    return lrbound.parse(f"version: 1\ninit: {{weight_variance: 2.0, bias_mean: {mean}}}\n{SPECS[name]}")


@pytest.mark.parametrize("name", SPECS)
def test_constant_biases_predict_what_is_measured(name):
    net = network(name, 0.5)
    values = [sample.lambda_max for sample in measure(net, seeds=6)]

    assert lrbound.predict(net).lambda_max == pytest.approx(sum(values) / len(values), rel=0.1)


def test_a_constant_bias_is_not_a_random_one_of_the_same_mean_square():
    text = f"version: 1\ninit: {{weight_variance: 2.0, bias_variance: 0.25}}\n{SPECS['relu']}"

    constant, random = (lrbound.predict(net).lambda_max for net in (network("relu", 0.5), lrbound.parse(text)))

    assert constant > 1.15 * random


def test_the_mean_square_above_a_relu_is_that_of_a_shifted_gaussian():
    first = lrbound.predict(network("relu", 0.5)).layers[1].q
    # E max(z, 0)^2 of z ~ N(b, s^2), s^2 = 2
    b, s = 0.5, math.sqrt(2.0)
    below = 0.5 * math.erfc(-b / s / math.sqrt(2.0))
    density = math.exp(-0.5 * (b / s) ** 2) / math.sqrt(2.0 * math.pi)
    assert first == pytest.approx((b**2 + s**2) * below + b * s * density, rel=1e-6)


def test_the_module_of_a_spec_starts_with_these_biases():
    module = lrbound.to_torch(network("relu", 0.5))
    assert all(torch.equal(layer.bias, torch.full_like(layer.bias, 0.5)) for layer in list(module)[::2])
