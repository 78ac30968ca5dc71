"""Gradients that are averaged over several batches, or cut to a norm: what that changes of the rates."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

import lrbound
from lrbound.empirical.boundary import find_boundary
from lrbound.empirical.datasets import load_data
from lrbound.empirical.measure import measure
from lrbound.empirical.runner import Runner
from lrbound.empirical.store import RunStore
from lrbound.errors import Refused
from lrbound.meanfield.contract import Context
from lrbound.rate.clipping import gradient_norm

SPEC = """
version: 1
input: {shape: [40], correlation: 0.2}
init: he
training: {loss: mse, batch_size: 16, TRAINING}
layers: [{linear: 100}, NORM, relu, {linear: 100}, relu, {linear: 3}]
"""


def predicted(training, norm="identity"):
    return lrbound.predict(lrbound.parse(SPEC.replace("TRAINING", training).replace("NORM", norm)))


@pytest.mark.parametrize("norm", ["identity", "layer_norm"])
def test_batches_that_are_averaged_are_one_batch_without_batch_statistics(norm):
    found = predicted("accumulation: 4", norm)
    text = SPEC.replace("TRAINING", "accumulation: 1").replace("NORM", norm).replace("batch_size: 16", "batch_size: 64")
    whole = lrbound.predict(lrbound.parse(text))

    assert found.lambda_max == pytest.approx(whole.lambda_max)
    assert found.bounds.minibatch == pytest.approx(whole.bounds.minibatch)
    assert found.max_learning_rate == pytest.approx(whole.max_learning_rate)


def test_batch_statistics_stay_those_of_one_batch():
    found, one = predicted("accumulation: 8", "batch_norm"), predicted("accumulation: 1", "batch_norm")

    assert found.lambda_max == one.lambda_max
    assert found.bounds.minibatch > one.bounds.minibatch
    assert any(warning.code == "LRB050" for warning in found.warnings)


def test_clipping_changes_no_rate_and_says_what_it_cuts():
    found, plain = predicted("clip_norm: 0.01"), predicted("accumulation: 1")

    assert found.max_learning_rate == plain.max_learning_rate
    assert any("cut to" in warning.message for warning in found.warnings)
    assert any("nothing is cut" in warning.message for warning in predicted("clip_norm: 1000").warnings)
    assert any(
        "the first step is the same" in warning.message
        for warning in predicted("clip_norm: 1, optimizer: lion").warnings
    )


@pytest.mark.parametrize("norm", ["identity", "batch_norm"])
def test_the_norm_of_the_gradient_is_that_of_drawn_networks(norm):
    network = lrbound.parse(SPEC.replace("TRAINING", "accumulation: 1").replace("NORM", norm))
    norms, rng = [], np.random.default_rng(0)
    for seed in range(12):
        module = lrbound.to_torch(network, seed=seed).train()
        x = math.sqrt(0.8) * rng.standard_normal((16, 40)) + math.sqrt(0.2) * rng.standard_normal(40)
        y = torch.nn.functional.one_hot(torch.tensor(rng.integers(3, size=16)), 3).float()
        network.training.loss.torch()(module(torch.tensor(x.astype(np.float32))), y).backward()
        norms.append(math.sqrt(sum(float(p.grad.square().sum()) for p in module.parameters())))
    ctx = Context(16.0, through=True, init=network.init, warn=lambda _: None)

    assert gradient_norm(network, ctx) == pytest.approx(math.sqrt(np.square(norms).mean()), rel=0.2)


@pytest.mark.parametrize("training", [{"accumulation": 2}, {"clip_norm": 1.0}])
def test_what_is_measured_with_plain_steps_refuses_others(training):
    network = lrbound.parse(SPEC.replace("TRAINING", "accumulation: 1").replace("NORM", "identity"))
    other = replace(network, training=replace(network.training, **training))

    with pytest.raises(Refused, match="is not measured"):
        next(measure(other, seeds=1))
    with pytest.raises(Refused, match="is not measured"):
        find_boundary(other, lrbound.predict(other), Runner(load_data(other), RunStore(None)))
