"""What every loss of the registry must satisfy; a new one is tested without an edit here."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch

from lrbound.losses import LOSSES
from lrbound.losses.base import Logits

OUTPUTS = 6
SAMPLES = 1000
"""As many as the losses draw: the largest of several means over few samples is too large."""


ARGUMENTS = [
    ("cross_entropy", {"label_smoothing": 0.2}),
    ("huber", {"delta": 0.6}),
    ("smooth_l1", {"beta": 2.0}),
    ("mse", {"reduction": "sum"}),
    ("cross_entropy", {"reduction": "sum"}),
]
CASES = [*((name, {}) for name in LOSSES.names()), *ARGUMENTS]


@pytest.fixture(params=CASES, ids=lambda case: "-".join([case[0], *map(str, case[1].values())]))
def loss(request):
    name, arguments = request.param
    return LOSSES.get(name)(**arguments)


def targets_of(loss, samples):
    """Return targets of the kind that the loss asks for."""
    generator = torch.Generator().manual_seed(1)
    if loss.targets == "classes":
        return torch.randint(OUTPUTS, (samples,), generator=generator)
    if loss.targets == "values":  # one-hot, as a loss takes them to be that is not told
        return torch.eye(OUTPUTS, dtype=torch.float64)[torch.randint(OUTPUTS, (samples,), generator=generator)]
    return (torch.randn(samples, OUTPUTS, dtype=torch.float64, generator=generator) > 0).double()


def outputs_of(samples, scale=2.0):
    return scale * torch.randn(samples, OUTPUTS, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def hessian(loss, outputs, target=None):
    """Return the second derivative of the loss of one sample."""
    target = targets_of(loss, 1) if target is None else target
    return torch.autograd.functional.hessian(lambda f: loss.torch()(f, target), outputs).view(OUTPUTS, OUTPUTS)


def test_the_root_squares_to_the_hessian_of_the_loss(loss):
    """R R^T is the second derivative of its torch module."""
    outputs = outputs_of(1)
    maps = loss.curvature_root(outputs, targets_of(loss, 1))
    eye = torch.eye(OUTPUTS, dtype=torch.float64)
    product = torch.cat([maps.apply(maps.transpose(row.view(1, OUTPUTS))) for row in eye])
    first, second = (torch.cat([apply(row.view(1, OUTPUTS)) for row in eye]) for apply in (maps.apply, maps.transpose))

    # of the mean over the samples, which for one sample is a sum but where it is one over the outputs, too
    assert torch.allclose(loss.times_mean(1, OUTPUTS) * product, hessian(loss, outputs))
    assert torch.allclose(first, second.T)


def hessians(loss, outputs, targets):
    """Return the second derivatives of the losses of single samples."""
    outputs = outputs.clone().requires_grad_()
    # samples do not know of each other: one derivative of the sum over them has those of all
    total = loss.torch()(outputs, targets) * (len(outputs) if loss.reduction == "mean" else 1)
    (slopes,) = torch.autograd.grad(total, outputs, create_graph=True)
    rows = [torch.autograd.grad(slopes[:, k].sum(), outputs, retain_graph=True)[0] for k in range(OUTPUTS)]
    return torch.stack(rows, dim=1)


@pytest.mark.parametrize(("q", "q_xy"), [(0.0, 0.0), (1.0, 0.4), (9.0, 8.0)])
def test_the_factor_is_the_mean_of_the_largest_curvature_of_drawn_outputs(loss, q, q_xy):
    """The largest eigenvalue of the mean Hessian over samples with the stated law, by torch's second derivatives."""
    rng = np.random.default_rng(0)
    tops = []
    for _ in range(12):
        own = math.sqrt(q - q_xy) * rng.standard_normal((SAMPLES, OUTPUTS))
        outputs = torch.as_tensor(own + math.sqrt(q_xy) * rng.standard_normal(OUTPUTS))
        mean = hessians(loss, outputs, targets_of(loss, SAMPLES)).mean(dim=0) / loss.times_mean(1, OUTPUTS)
        tops.append(float(torch.linalg.eigvalsh(mean)[-1]))
    spread = np.std(tops) / np.sqrt(len(tops)) / np.mean(tops)

    assert loss.factor(Logits(q, q_xy, OUTPUTS)) == pytest.approx(np.mean(tops), rel=0.04 + 3.0 * spread)


def test_only_squared_errors_have_a_curvature_that_does_not_know_the_outputs(loss):
    small, large = (hessian(loss, outputs_of(1, scale)) for scale in (0.0, 3.0))
    same = torch.allclose(small, large) and torch.allclose(small, small[0, 0] * torch.eye(OUTPUTS, dtype=torch.float64))

    assert same == loss.is_squared
    assert (loss.hessians(Logits(1.0, 0.5, OUTPUTS), 100.0) is None) == loss.is_squared


def test_losses_that_need_not_diverge_have_a_curvature_that_vanishes(loss):
    outputs = torch.zeros(1, OUTPUTS, dtype=torch.float64)
    outputs[0] = torch.linspace(-80.0, 80.0, OUTPUTS)

    assert (float(hessian(loss, outputs).abs().max()) < 1e-3) == (not loss.diverges)
    assert (loss.caution is None) == loss.diverges


def test_no_constant_is_better_than_the_best(loss):
    samples = 50
    targets = targets_of(loss, samples)
    best = loss.best_constant(targets, OUTPUTS).double()

    def value(constant):
        return float(loss.torch()(constant.expand(samples, OUTPUTS), targets))

    moved = [value(best + step * direction) for direction in torch.eye(OUTPUTS) for step in (-0.1, 0.1)]
    assert all(value(best) <= other for other in moved)


@pytest.mark.parametrize("name", LOSSES.names())
def test_losses_of_the_same_arguments_are_equal(name):
    one, other, third = (LOSSES.get(name)(reduction=reduction) for reduction in ("mean", "mean", "sum"))

    assert one == other
    assert hash(one) == hash(other)
    assert one != third


def test_a_sum_is_so_many_times_the_mean(loss):
    mean = dataclasses.replace(loss, reduction="mean")
    whole = dataclasses.replace(loss, reduction="sum")
    outputs, targets = outputs_of(7), targets_of(loss, 7)

    ratio = float(whole.torch()(outputs, targets) / mean.torch()(outputs, targets))
    assert ratio == pytest.approx(whole.times_mean(7, OUTPUTS))
    assert mean.times_mean(7, OUTPUTS) == 1.0
