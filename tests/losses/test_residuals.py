"""What a loss says of its derivatives by the outputs, against those of drawn outputs and targets by autograd."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from lrbound.losses import LOSSES
from lrbound.losses.base import Logits, TargetLaw

NETS, SAMPLES = 300, 400


@pytest.mark.parametrize(("q", "q_xy"), [(1e-4, 5e-5), (1.0, 0.4), (4.0, 0.0)])
@pytest.mark.parametrize("outputs", [2, 10])
@pytest.mark.parametrize("name", LOSSES.names())
def test_residuals_are_those_of_drawn_outputs(name, outputs, q, q_xy):
    loss = LOSSES.get(name)()
    rng = np.random.default_rng(0)
    shared = math.sqrt(q_xy) * rng.standard_normal((NETS, 1, outputs))
    drawn = torch.tensor(shared + math.sqrt(q - q_xy) * rng.standard_normal((NETS, SAMPLES, outputs)))
    drawn.requires_grad_()
    classes = torch.arange(NETS * SAMPLES) % outputs  # as many of each in every network
    targets = classes if loss.targets == "classes" else torch.nn.functional.one_hot(classes, outputs).double()
    value = loss.torch()(drawn.reshape(-1, outputs), targets)
    (gradient,) = torch.autograd.grad(value, drawn)
    r = (gradient * NETS * SAMPLES).numpy()
    mean, whole = np.square(r.mean(axis=1)).sum(axis=1).mean(), np.square(r).sum(axis=2).mean()
    even = np.abs(r.mean(axis=1)).sum(axis=1).mean() / math.sqrt(outputs * np.square(r.mean(axis=1)).sum(axis=1).mean())
    root = loss.curvature_root(drawn.detach().reshape(-1, outputs))
    directions = rng.standard_normal((NETS * SAMPLES, outputs))
    if loss.kind == "cross_entropy":  # without the direction that has no curvature
        directions -= directions.mean(axis=1, keepdims=True)
    curved = float(root.transpose(torch.tensor(directions)).square().sum() / np.square(directions).sum())

    found = loss.residuals(Logits(q, q_xy, outputs), TargetLaw(1.0))

    # 64 initialisations are drawn for losses of probabilities
    assert found.mean == pytest.approx(mean, rel=0.08 if loss.is_squared else 0.25, abs=3e-3 * whole)
    assert found.mean + found.own == pytest.approx(whole, rel=0.03)
    assert found.curvature == pytest.approx(curved, rel=0.03)
    if mean > 0.02 * whole:
        assert found.even == pytest.approx(even, rel=0.05)


def test_a_mean_of_the_targets_that_is_stated_counts():
    loss, logits = LOSSES.get("half_squared_error")(), Logits(0.5, 0.2, 1)
    centred, shifted = (loss.residuals(logits, TargetLaw(10.0, share)) for share in (None, 0.8))

    assert (centred.mean, centred.own) == pytest.approx((0.2, 100.3))
    assert (shifted.mean, shifted.own) == pytest.approx((80.2, 20.3))
    assert shifted.even == pytest.approx(1.0, rel=1e-2)
