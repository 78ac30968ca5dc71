"""The rate of the first step, against its closed form and against the gradients of real networks."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.func import functional_call, jvp

import lrbound
from lrbound.backward.parameter_groups import parameter_groups
from lrbound.forward.sweep import forward
from lrbound.losses.base import Logits, TargetLaw
from lrbound.meanfield.contract import Context
from lrbound.optimizers.adam import Adam
from lrbound.optimizers.rmsprop import RMSprop
from lrbound.rate.first_step import first_step, first_step_rate

SEEDS = 4
pytestmark = pytest.mark.filterwarnings(
    "ignore:.torch.jit.script. is deprecated:DeprecationWarning"
)  # by torch.func itself


def conv(channels, stride=1, groups=1):
    return {"conv2d": {"channels": channels, "kernel": 3, "padding": 1, "stride": stride, "groups": groups}}


DENSE = [{"linear": 160}, "relu", {"linear": 160}, "relu", {"linear": 10}]
NETS = {
    "dense": ([64], DENSE, "half_squared_error", 64, "he", 0.478),
    "dense-default": ([64], DENSE, "cross_entropy", 64, "pytorch", 0.0),
    "dense-bn": ([64], [{"linear": 160}, "batch_norm", "relu", {"linear": 160}, "batch_norm", "relu", {"linear": 10}], "half_squared_error", 64, "he", 0.0),
    "dense-ln": ([64], [{"linear": 160}, "layer_norm", "relu", {"linear": 160}, "layer_norm", "relu", {"linear": 10}], "cross_entropy", 64, "he", 0.0),
    "conv-flatten": ([3, 8, 8], [conv(24), "relu", conv(32, 2), "relu", "flatten", {"linear": 10}], "half_squared_error", 32, "he", 0.0),
    "conv-pool": ([3, 8, 8], [conv(24), "relu", conv(32, 2), "relu", "global_avg_pool", {"linear": 10}], "half_squared_error", 32, "he", 0.0),
    "conv-bn": ([3, 8, 8], [conv(24), "batch_norm", "relu", conv(32, 2), "batch_norm", "relu", "global_avg_pool", {"linear": 10}], "half_squared_error", 32, "he", 0.0),
    "conv-gn": ([3, 8, 8], [conv(24), {"group_norm": 4}, "relu", conv(32, 2), {"group_norm": 4}, "relu", "flatten", {"linear": 10}], "cross_entropy", 32, "he", 0.0),
    "depthwise": ([3, 8, 8], [conv(24), "relu", conv(24, 1, 24), "relu", {"conv2d": {"channels": 32, "kernel": 1}}, "relu", "global_avg_pool", {"linear": 10}], "half_squared_error", 32, "he", 0.0),
    "residual": ([32], [{"linear": 64}, {"residual": ["layer_norm", {"linear": 64}, "relu", {"linear": 64}]}, {"linear": 10}], "half_squared_error", 32, "he", 0.0),
    "binary": ([64], [{"linear": 128}, "relu", {"linear": 3}], "binary_cross_entropy", 64, "he", 0.3),
}  # fmt: skip


def network(name):
    shape, layers, loss, batch, init, correlation = NETS[name]
    training = {"loss": loss, "batch_size": batch, "optimizer": {"name": "adam"}}
    spec = {"version": 1, "input": {"shape": shape, "correlation": correlation}, "init": init, "training": training}
    return lrbound.parse(json.dumps({**spec, "layers": layers}))


def context(net):
    return Context(net.training.samples, through=True, init=net.init, warn=lambda _: None)


def predicted(net):
    """Return the first step by layer, and of all layers."""
    ctx = context(net)
    chain = forward(net, ctx)
    logits = Logits(chain[-1].q, chain[-1].q_xy, net.outputs)
    groups = parameter_groups(chain, ctx.samples)
    residuals = net.training.loss.residuals(logits, TargetLaw(1.0))
    paths = list(dict.fromkeys(group.path for group in reversed(groups)))

    def of(chosen):
        return first_step(chosen, residuals, Adam(eps=0.0), ctx.samples, net.outputs)

    return [of([group for group in groups if group.path == path]) for path in paths], of(groups)


def square(step):
    hidden, last = step.shared.sum(), step.last.sum()
    return hidden**2 + last**2 + 2.0 * step.even * hidden * last + step.own.sum() ** 2 + step.noise.sum()


def real(net, seed):
    """Return |g|_1 and E|J sign(g)|^2 by layer, E|J sign(g)|^2 of all, and the rate at which the quadratic loss rises."""
    rng, batch = np.random.default_rng(seed), net.training.batch_size
    module = lrbound.to_torch(net, seed=seed).double().train()
    common = math.sqrt(net.input.correlation) * rng.standard_normal(net.input.shape)
    x = torch.tensor(common + math.sqrt(1.0 - net.input.correlation) * rng.standard_normal((batch, *net.input.shape)))
    classes = torch.tensor(rng.integers(net.outputs, size=batch))
    one_hot = torch.nn.functional.one_hot(classes, net.outputs).double()
    y = classes if net.training.loss.targets == "classes" else one_hot
    weights = {name: p.detach() for name, p in module.named_parameters()}
    net.training.loss.torch()(module(x), y).backward()
    gradient = {name: p.grad for name, p in module.named_parameters()}

    def outputs(parameters):
        buffers = {name: value.clone() for name, value in module.named_buffers()}
        return functional_call(module, {**parameters, **buffers}, (x,))

    def moved(chosen):
        direction = {name: value.sign() * (name in chosen) for name, value in gradient.items()}
        return jvp(outputs, (weights,), (direction,))

    layers = list(dict.fromkeys(name.rpartition(".")[0] for name in weights))
    sizes, squares = [], []
    for layer in layers:
        chosen = {name for name in weights if name.rpartition(".")[0] == layer}
        sizes.append(sum(float(gradient[name].abs().sum()) for name in chosen))
        squares.append(float(moved(chosen)[1].square().sum(dim=1).mean()))
    out, change = moved(set(weights))
    curved = float(net.training.loss.curvature_root(out).transpose(change).square().sum(dim=1).mean())
    return sizes, squares, float(change.square().sum(dim=1).mean()), 2.0 * sum(sizes) / curved


@pytest.mark.parametrize("name", NETS)
def test_gradients_and_what_a_step_of_signs_does_are_those_of_real_networks(name):
    net = network(name)
    layers, whole = predicted(net)
    runs = [real(net, seed) for seed in range(SEEDS)]
    sizes = np.mean([run[0] for run in runs], axis=0)
    squares = np.mean([run[1] for run in runs], axis=0)
    moved = np.mean([run[2] for run in runs])
    large = sizes > 0.15 * sizes.sum()

    assert len(layers) == len(sizes)
    # to leading order in the width, and with outputs that do not depend on the samples' inner products: a stream without
    # activations and with as many samples as features has gradients larger by a half
    assert np.array([step.slope for step in layers])[large] == pytest.approx(sizes[large], rel=0.4)
    assert np.sqrt([square(step) for step in layers])[large] == pytest.approx(np.sqrt(squares[large]), rel=0.45)
    assert whole.slope == pytest.approx(sizes.sum(), rel=0.32)
    assert math.sqrt(square(whole)) == pytest.approx(math.sqrt(moved), rel=0.25)
    rate = 2.0 * whole.slope / (whole.curvature * square(whole))
    assert 1.0 / 1.7 < rate / np.exp(np.mean([np.log(run[3]) for run in runs])) < 1.7


@pytest.mark.parametrize("name", ["dense", "dense-bn", "conv-flatten", "conv-bn", "residual"])
def test_the_loss_rises_above_the_rate_and_falls_below(name):
    net = network(name)
    rate = first_step_rate(net, context(net))
    rose = {factor: [rises(net, factor * rate, seed) for seed in range(SEEDS)] for factor in (0.4, 2.5)}

    assert sum(rose[0.4]) <= 1
    assert sum(rose[2.5]) >= SEEDS - 1


def rises(net, rate, seed):
    rng, batch = np.random.default_rng(100 + seed), net.training.batch_size
    module, loss = lrbound.to_torch(net, seed=seed).train(), net.training.loss.torch()
    common = math.sqrt(net.input.correlation) * rng.standard_normal(net.input.shape)
    own = math.sqrt(1.0 - net.input.correlation) * rng.standard_normal((batch, *net.input.shape))
    x = torch.tensor((common + own).astype(np.float32))
    y = torch.nn.functional.one_hot(torch.tensor(rng.integers(net.outputs, size=batch)), net.outputs).float()
    optimizer = net.training.optimizer.torch(module.parameters(), rate)
    before = loss(module(x), y)
    before.backward()
    optimizer.step()
    return loss(module(x), y).item() > before.item()


def test_the_reference_network_has_the_rate_of_the_derivation():
    layers = [{"repeat": {"times": 3, "layers": [{"linear": 160}, "relu"]}}, {"linear": 10}]
    spec = {"version": 1, "input": {"shape": [64], "correlation": 0.478}, "init": "he", "layers": layers}
    training = {"loss": "half_squared_error", "batch_size": 64, "optimizer": "adam"}
    _, whole = predicted(lrbound.parse(json.dumps({**spec, "training": training})))

    # lrbound/theory/adam.md, section 1: a bias counts with the weights beside it there, and its input layer folds by 0.8
    assert 2.0 * whole.slope / square(whole) == pytest.approx(4.718e-3, rel=0.03)


def test_a_step_that_is_longer_by_a_factor_has_a_rate_smaller_by_it():
    net = network("dense")
    tenfold = replace(net, training=replace(net.training, optimizer=RMSprop(eps=0.0)))

    assert first_step_rate(net, context(net)) == pytest.approx(10.0 * first_step_rate(tenfold, context(net)), rel=1e-4)


def test_an_epsilon_above_the_gradients_makes_the_rate_larger():
    net = network("dense")
    rates = [
        first_step_rate(replace(net, training=replace(net.training, optimizer=Adam(eps=eps))), context(net))
        for eps in (1e-8, 1e-2, 1e2)
    ]

    assert rates[0] < rates[1] < rates[2]


def test_the_multiple_of_the_squared_error_does_not_matter():
    net = network("dense")
    mse = replace(net, training=replace(net.training, loss=lrbound.parse(MSE).training.loss, optimizer=Adam(eps=0.0)))
    half = replace(net, training=replace(net.training, optimizer=Adam(eps=0.0)))

    assert first_step_rate(mse, context(net)) == pytest.approx(first_step_rate(half, context(net)))


MSE = "{version: 1, input: {shape: [4]}, training: {loss: mse}, layers: [{linear: 2}]}"


@pytest.mark.parametrize("batch", [None, 8])
@pytest.mark.parametrize("name", ["dense", "dense-bn", "conv-bn"])
def test_every_batch_size_has_a_rate(name, batch):
    net = network(name)

    assert (
        lrbound.predict(replace(net, training=replace(net.training, batch_size=batch))).first_step_learning_rate > 0.0
    )
