"""What every loss of the registry must satisfy; a new one is tested without an edit here."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from lrbound.losses import LOSSES
from lrbound.losses.base import Logits

OUTPUTS = 6


@pytest.fixture(params=LOSSES.names())
def loss(request):
    return LOSSES.get(request.param)()


def targets_of(loss, samples):
    """Return targets of the kind that the loss asks for."""
    generator = torch.Generator().manual_seed(1)
    if loss.targets == "classes":
        return torch.randint(OUTPUTS, (samples,), generator=generator)
    values = torch.randn(samples, OUTPUTS, dtype=torch.float64, generator=generator)
    return values if loss.targets == "values" else (values > 0).double()


def outputs_of(samples, scale=2.0):
    return scale * torch.randn(samples, OUTPUTS, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def hessian(loss, outputs):
    """Return the second derivative of the loss of one sample."""
    target = targets_of(loss, 1)
    return torch.autograd.functional.hessian(lambda f: loss.torch()(f, target), outputs).view(OUTPUTS, OUTPUTS)


def test_the_root_squares_to_the_hessian_of_the_loss(loss):
    """R R^T is the second derivative of its torch module."""
    outputs = outputs_of(1)
    maps = loss.curvature_root(outputs)
    eye = torch.eye(OUTPUTS, dtype=torch.float64)
    product = torch.cat([maps.apply(maps.transpose(row.view(1, OUTPUTS))) for row in eye])
    first, second = (torch.cat([apply(row.view(1, OUTPUTS)) for row in eye]) for apply in (maps.apply, maps.transpose))

    assert torch.allclose(product, hessian(loss, outputs))
    assert torch.allclose(first, second.T)


@pytest.mark.parametrize(("q", "q_xy"), [(0.0, 0.0), (1.0, 0.4), (9.0, 8.0)])
def test_the_factor_is_the_mean_of_the_largest_curvature_of_drawn_outputs(loss, q, q_xy):
    """The largest eigenvalue of the mean Hessian over samples with the stated law, by torch's second derivatives."""
    rng = np.random.default_rng(0)
    tops = []
    for _ in range(12):
        own = math.sqrt(q - q_xy) * rng.standard_normal((40, 1, OUTPUTS))
        outputs = torch.as_tensor(own + math.sqrt(q_xy) * rng.standard_normal(OUTPUTS))
        mean = torch.stack([hessian(loss, each) for each in outputs]).mean(dim=0)
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


def test_an_argumentless_loss_equals_another_of_its_kind(loss):
    assert loss == type(loss)()
    assert hash(loss) == hash(type(loss)())
