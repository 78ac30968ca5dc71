"""Losses with arguments: lambda_max against drawn networks, and what a spec and torch's modules say of them."""

from __future__ import annotations

import numpy as np
import pytest
from torch import nn

import lrbound
from lrbound.empirical.measure import measure
from lrbound.errors import Refused
from lrbound.losses import LOSSES
from lrbound.losses.base import TargetLaw
from lrbound.losses.half_squared_error import HalfSquaredError
from lrbound.torch.settings import criterion_of

HIDDEN = "linear: 300, relu, linear: 300, relu"


def network(loss, *, outputs=10, init="he", batch=64, optimizer="sgd", scale=1.0):
    training = f"{{batch_size: {batch}, loss: {loss}, optimizer: {optimizer}, target_scale: {scale}}}"
    layers = f"[{HIDDEN}, linear: {outputs}]"
    return lrbound.parse(f"version: 1\ninput: {{shape: [200]}}\ninit: {init}\ntraining: {training}\nlayers: {layers}")


@pytest.mark.parametrize(
    ("loss", "init"),
    [
        ("{huber: {delta: 0.5}}", "he"),
        ("{huber: {delta: 1}}", "he"),
        ("{smooth_l1: {beta: 0.5}}", "lecun"),
        ("{cross_entropy: {label_smoothing: 0.1}}", "lecun"),
        ("{mse: {reduction: sum}}", "lecun"),
        ("{cross_entropy: {reduction: sum}}", "lecun"),
    ],
)
def test_lambda_max_is_that_of_drawn_networks(loss, init):
    net = network(loss, init=init)
    values = [sample.lambda_max for sample in measure(net, seeds=6)]
    error = np.std(values, ddof=1) / np.sqrt(len(values)) / np.mean(values)

    assert lrbound.predict(net).lambda_max == pytest.approx(np.mean(values), rel=0.05 + 2.0 * error)


@pytest.mark.parametrize(("loss", "times"), [("mse", 640), ("cross_entropy", 64), ("half_squared_error", 64)])
@pytest.mark.parametrize("optimizer", ["sgd", "{momentum: 0.9}"])
def test_a_sum_has_so_many_times_the_curvature_and_so_much_smaller_rates(loss, times, optimizer):
    mean = lrbound.predict(network(loss, optimizer=optimizer))
    whole = lrbound.predict(network(f"{{{loss}: {{reduction: sum}}}}", optimizer=optimizer))

    assert whole.lambda_max == pytest.approx(times * mean.lambda_max)
    assert sum(layer.lambda_ for layer in whole.layers) == pytest.approx(
        times * sum(layer.lambda_ for layer in mean.layers)
    )
    for rate in ("max_learning_rate", "recommended_learning_rate"):
        assert getattr(whole, rate) == pytest.approx(getattr(mean, rate) / times)
    assert whole.bounds.curvature == pytest.approx(mean.bounds.curvature / times)
    assert whole.bounds.minibatch == pytest.approx(mean.bounds.minibatch / times)
    assert whole.assumptions.training.loss.words == f"{loss} (reduction sum)"


def test_weight_decay_is_not_in_the_sum():
    """Steps rate * (64 g + w decay) are those of the mean with 64 times the rate and decay/64."""
    whole = lrbound.predict(network("{half_squared_error: {reduction: sum}}", optimizer="{weight_decay: 640}"))
    mean = lrbound.predict(network("half_squared_error", optimizer="{weight_decay: 10}"))

    assert whole.max_learning_rate == pytest.approx(mean.max_learning_rate / 64)


def test_the_first_step_of_adam_does_not_know_the_size_of_the_loss():
    first = [
        lrbound.predict(network(loss, optimizer="adam")).first_step_learning_rate
        for loss in ("mse", "{mse: {reduction: sum}}")
    ]

    assert first[0] == pytest.approx(first[1])


def test_a_sum_over_a_full_batch_is_refused():
    with pytest.raises(Refused, match="a full batch has no number of them"):
        lrbound.predict(network("{mse: {reduction: sum}}", batch="full"))


@pytest.mark.parametrize("scale", [0.1, 1.0, 3.0])
def test_only_residuals_below_delta_have_curvature(scale):
    """Small outputs: those of one-hot targets above delta have none, 1 of 10."""
    law = network("{huber: {delta: 0.5}}", scale=scale, init="{weight_variance: 0.3}")
    ratio = (
        lrbound.predict(law).lambda_max
        / lrbound.predict(network("half_squared_error", init="{weight_variance: 0.3}")).lambda_max
    )

    assert ratio == pytest.approx(0.1 if scale < 0.5 else 0.09, rel=0.1)


def test_huber_of_large_delta_is_half_the_squared_error():
    huber, half = LOSSES.get("huber")(delta=1e3), HalfSquaredError()
    logits, targets = lrbound.losses.base.Logits(1.0, 0.3, 6), TargetLaw(1.0)
    one, other = huber.residuals(logits, targets), half.residuals(logits, targets)

    assert 6.0**2 * one.mean == pytest.approx(other.mean, rel=0.15)
    assert 6.0**2 * (one.mean + one.own) == pytest.approx(other.mean + other.own, rel=0.05)
    assert 6.0 * one.curvature == pytest.approx(other.curvature)


@pytest.mark.parametrize(
    ("module", "loss"),
    [
        (nn.HuberLoss(delta=0.3), LOSSES.get("huber")(delta=0.3)),
        (nn.SmoothL1Loss(beta=0.3), LOSSES.get("smooth_l1")(beta=0.3)),
        (nn.CrossEntropyLoss(label_smoothing=0.1), LOSSES.get("cross_entropy")(label_smoothing=0.1)),
        (nn.functional.huber_loss, LOSSES.get("huber")()),
    ],
)
def test_a_module_of_torch_is_a_loss_with_its_arguments(module, loss):
    assert criterion_of(module, HalfSquaredError()).loss == loss
