"""The optimisers whose steps do not grow with the gradient: their first step, against torch's own."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from lrbound import parse, predict
from lrbound.optimizers.adam import Adam
from lrbound.optimizers.adamw import AdamW
from lrbound.optimizers.base import LayerwiseCurvature
from lrbound.optimizers.lion import Lion
from lrbound.optimizers.rmsprop import RMSprop
from lrbound.optimizers.sgd import SGD
from lrbound.optimizers.sign_sgd import SignSGD

GRADIENT = np.array([3.0, -0.2, 1e-3, -1e-7])
ALL = [
    Adam(),
    Adam(betas=(0.5, 0.9), eps=1e-3, amsgrad=True),
    AdamW(weight_decay=0.0),
    RMSprop(),
    RMSprop(alpha=0.9, eps=1e-4, momentum=0.9),
    RMSprop(centered=True),
    Lion(),
    Lion(betas=(0.5, 0.7)),
    SignSGD(),
    SignSGD(momentum=0.9),
]


def steps(optimizer, gradients, rate=1e-3):
    """Return where torch's optimiser goes from 0 along a row of gradients."""
    x = torch.zeros(len(gradients[0]), dtype=torch.float64, requires_grad=True)
    stepper = optimizer.torch([x], rate)
    places = []
    for gradient in gradients:
        x.grad = torch.from_numpy(np.array(gradient))
        stepper.step()
        places.append(x.detach().numpy().copy())
    return places


@pytest.mark.parametrize("optimizer", ALL, ids=lambda one: one.words)
def test_the_first_step_is_that_of_torch(optimizer):
    moved = steps(optimizer, [GRADIENT])[0]

    assert -moved / 1e-3 == pytest.approx(np.sign(GRADIENT) * optimizer.first_step(np.abs(GRADIENT)), rel=1e-6)


@pytest.mark.parametrize("optimizer", ALL, ids=lambda one: one.words)
def test_the_first_step_of_a_gradient_of_zero_is_a_number(optimizer):
    assert np.isfinite(optimizer.first_step(np.zeros(2))).all()


def test_rmsprop_begins_ten_times_as_fast_as_adam():
    assert RMSprop().first_step(np.ones(1)) / Adam().first_step(np.ones(1)) == pytest.approx(10.0, rel=1e-6)


def test_lion_takes_the_sign_before_it_moves_its_mean():
    first, second = steps(Lion(betas=(0.9, 0.5)), [np.array([1.0]), np.array([-4.0])])

    # sign(0.9 * 0.5 * 1 - 0.1 * 4) = sign(0.05), where a mean that had moved would give sign(-2)
    assert first[0] == pytest.approx(-1e-3)
    assert second[0] == pytest.approx(-2e-3)


def test_sign_sgd_with_momentum_follows_the_sign_of_the_mean():
    places = steps(SignSGD(momentum=0.9), [np.array([1.0]), np.array([-0.5]), np.array([-1.0])])

    # means 0.1, 0.04, -0.064
    assert [place[0] for place in places] == pytest.approx([-1e-3, -2e-3, -1e-3])


@pytest.mark.parametrize("optimizer", [Adam(), AdamW(), RMSprop(), Lion(), SignSGD()], ids=lambda one: one.kind)
def test_no_rate_makes_it_leave_a_quadratic_though_sgd_would(optimizer):
    x = torch.ones(1, requires_grad=True)
    stepper, rate = optimizer.torch([x], 0.1), 0.1
    for _ in range(500):
        stepper.zero_grad()
        (50.0 * x.square().sum()).backward()
        stepper.step()

    assert SGD().stable_rate(LayerwiseCurvature(100.0, 0.0, ())) < rate
    assert float(x.detach().abs()) < 3.0
    assert optimizer.stable_rate(LayerwiseCurvature(100.0, 0.0, ())) == math.inf


SPEC = """
version: 1
input: {shape: [30], correlation: 0.2}
training: {loss: mse, batch_size: 16, optimizer: OPTIMIZER}
layers: [{linear: 40}, relu, {linear: 3}]
"""


@pytest.mark.parametrize("name", ["adam", "adamw", "rmsprop", "lion", "sign_sgd"])
def test_a_prediction_has_the_first_step_and_says_why_it_has_no_maximum(name):
    found = predict(parse(SPEC.replace("OPTIMIZER", name)))

    assert found.first_step_learning_rate > 0.0
    assert found.max_learning_rate is None
    assert found.bounds.curvature is None
    assert found.lambda_max == predict(parse(SPEC.replace("OPTIMIZER", "sgd"))).lambda_max
    assert any(warning.code == "LRB006" and name in warning.message for warning in found.warnings)
    assert "Not a stability limit" in found.advice
    if found.recommended_learning_rate is None:
        assert any(warning.message.startswith("recommended_learning_rate is null") for warning in found.warnings)
    else:
        assert found.recommended_learning_rate < found.first_step_learning_rate


def test_the_hyperparameters_of_torch_are_read_from_a_spec():
    text = SPEC.replace("OPTIMIZER", "{name: adamw, betas: [0.8, 0.95], eps: 1.0e-6, weight_decay: 0.1, amsgrad: true}")

    assert parse(text).training.optimizer == AdamW(betas=(0.8, 0.95), eps=1e-6, weight_decay=0.1, amsgrad=True)


def test_sgd_has_no_first_step_of_its_own():
    assert predict(parse(SPEC.replace("OPTIMIZER", "sgd"))).first_step_learning_rate is None
