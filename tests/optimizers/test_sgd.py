"""The stable rate of sgd, against the recursion that it is derived from and against torch's own optimiser."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from lrbound import parse, predict
from lrbound.optimizers import OPTIMIZERS
from lrbound.optimizers.base import LayerCurvature, LayerwiseCurvature
from lrbound.optimizers.sgd import SGD


def seen(largest: float, noise: float = 0.0) -> LayerwiseCurvature:
    return LayerwiseCurvature(largest, noise, (LayerCurvature("layers.0", 10, 1.0, 0.5),))


def grows(optimizer: SGD, rate: float, largest: float, noise: float) -> bool:
    """Return whether E[(x, x_prev)(x, x_prev)^T] grows under one step on a mode of random curvature."""
    mu, decay = optimizer.momentum, optimizer.weight_decay
    deviation = math.sqrt(largest * noise)
    step = np.zeros((4, 4))
    for sign in (-1.0, 1.0):  # two values of the curvature have its mean and variance
        h = largest + decay + sign * deviation
        ahead = mu if optimizer.nesterov else 0.0
        a = (1 + mu) - rate * h * (1 + ahead)
        b = -mu + rate * h * ahead
        one = np.array([[a, b], [1.0, 0.0]])
        step += 0.5 * np.kron(one, one)
    return max(abs(np.linalg.eigvals(step))) > 1.0


@pytest.mark.parametrize("noise", [0.0, 0.3, 20.0])
@pytest.mark.parametrize(
    "optimizer",
    [
        SGD(),
        SGD(momentum=0.9),
        SGD(momentum=0.9, nesterov=True),
        SGD(momentum=0.5, weight_decay=0.7),
        SGD(nesterov=True),
    ],
)
def test_second_moments_are_just_stable_at_the_rate(optimizer, noise):
    rate = optimizer.stable_rate(seen(3.0, noise))

    assert not grows(optimizer, 0.999 * rate, 3.0, noise)
    assert grows(optimizer, 1.001 * rate, 3.0, noise)


@pytest.mark.parametrize(
    "optimizer",
    [
        SGD(momentum=0.9),
        SGD(momentum=0.9, nesterov=True),
        SGD(weight_decay=0.2),
        SGD(momentum=0.9, dampening=0.5, weight_decay=0.2),
        SGD(dampening=0.5),
    ],
)
def test_torch_diverges_above_the_rate_and_not_below(optimizer):
    def trained(rate):
        x = torch.ones(1, requires_grad=True)
        stepper = optimizer.torch([x], rate)
        for _ in range(4000):
            stepper.zero_grad()
            (1.5 * x.square().sum()).backward()
            stepper.step()
        return float(x.detach().abs())

    rate = optimizer.stable_rate(seen(3.0))
    assert trained(0.99 * rate) < 1.0
    assert not trained(1.01 * rate) < 1e6


def test_without_curvature_no_rate_is_too_large():
    assert SGD().stable_rate(seen(0.0)) == math.inf


def test_the_recommended_rate_is_one_over_the_curvature():
    for optimizer in (SGD(), SGD(momentum=0.9), SGD(momentum=0.9, nesterov=True)):
        assert optimizer.recommended_rate(optimizer.stable_rate(seen(4.0))) == pytest.approx(0.25)


@pytest.mark.parametrize("name", OPTIMIZERS.names())
def test_every_optimiser_says_what_it_is(name):
    optimizer = OPTIMIZERS.get(name)()

    assert optimizer.words.startswith(name)
    assert optimizer.short.startswith(name)
    assert optimizer.to_json()["optimizer"] == name
    assert "momentum" in optimizer.to_json()


SPEC = """
version: 1
input: {shape: [30], correlation: 0.2}
training: {loss: mse, batch_size: 16}
layers: [{linear: 40}, NORM, relu, {linear: 40}, relu, {linear: 3}]
"""


@pytest.mark.parametrize("norm", ["batch_norm", "layer_norm"])
def test_an_optimiser_is_told_the_curvature_of_each_layer(monkeypatch, norm):
    told = []
    monkeypatch.setattr(SGD, "stable_rate", lambda self, curvature: told.append(curvature) or 1.0)
    network = parse(SPEC.replace("NORM", norm))
    prediction = predict(network)
    repeated, anew, *_ = told

    assert repeated.largest == prediction.lambda_max
    assert repeated.noise == 0.0
    assert anew.noise > 0.0
    assert [layer.path for layer in repeated.layers] == [x.path for x in prediction.layers if x.parameters]
    assert [layer.parameters for layer in repeated.layers] == [x.parameters for x in prediction.layers if x.parameters]
    # of batches drawn anew those that can explode, from a sweep at an infinite batch
    assert {layer.path for layer in anew.layers} <= {layer.path for layer in repeated.layers}
    assert anew.layers[-1].path == "layers.5"
    assert sum(layer.coherent for layer in anew.layers) <= anew.largest * (1.0 + 1e-9)
    assert sum(layer.trace - layer.coherent for layer in anew.layers) == pytest.approx(16 * anew.noise)
    assert all(layer.trace >= layer.coherent >= 0.0 for layer in anew.layers)


def test_dampening_makes_the_rate_of_heavy_ball_larger_with_noise_too():
    for noise in (0.0, 0.3):
        damped, plain = (SGD(momentum=0.9, dampening=part).stable_rate(seen(3.0, noise)) for part in (0.75, 0.0))
        assert damped == pytest.approx(4.0 * plain)
