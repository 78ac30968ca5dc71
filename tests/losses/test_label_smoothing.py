"""Smoothed targets: the curvature is that of cross_entropy, the best constant is smoothed."""

from __future__ import annotations

import pytest
import torch

import lrbound
from lrbound.losses.base import Logits
from lrbound.losses.cross_entropy import CrossEntropy
from lrbound.spec import SpecError

SPEC = "version: 1\ninput: {{shape: [30]}}\ntraining: {{loss: {}, batch_size: 32}}\nlayers: [{{linear: 40}}, relu, {{linear: 5}}]\n"
SMOOTH = CrossEntropy(label_smoothing=0.2)


def test_the_hessian_is_that_of_the_loss_of_torch():
    outputs = torch.randn(1, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    target = torch.tensor([2])
    hessian = torch.autograd.functional.hessian(lambda f: SMOOTH.torch()(f, target), outputs).view(6, 6)
    maps = SMOOTH.curvature_root(outputs)
    root = torch.cat([maps.transpose(row.view(1, 6)) for row in torch.eye(6, dtype=torch.float64)])

    assert torch.allclose(root @ root.T, hessian)
    assert SMOOTH.factor(Logits(2.0, 1.0, 6)) == CrossEntropy().factor(Logits(2.0, 1.0, 6))


def test_no_constant_is_better_than_the_best():
    targets = torch.tensor([0, 0, 0, 1, 2, 2])
    best = SMOOTH.best_constant(targets, 3).double()

    def value(constant):
        return float(SMOOTH.torch()(constant.expand(6, 3), targets))

    assert all(value(best) <= value(best + step * row) for row in torch.eye(3) for step in (-0.05, 0.05))


def test_a_spec_says_it_and_predicts_as_without():
    net = lrbound.parse(SPEC.format("{cross_entropy: {label_smoothing: 0.1}}"))
    plain = lrbound.predict(lrbound.parse(SPEC.format("cross_entropy")))

    assert net.training.loss == CrossEntropy(label_smoothing=0.1)
    assert lrbound.predict(net).lambda_max == plain.lambda_max


@pytest.mark.parametrize(
    ("loss", "text"),
    [
        (
            "{cross_entropy: {label_smoothing: 1}}",
            "3:52: cross_entropy: 'label_smoothing' must be a number in [0, 1), got 1",
        ),
        ("{cross_entropy: {smoothing: 0.1}}", "3:35: cross_entropy: unknown argument 'smoothing'"),
        ("{mse: 3}", "3:24: loss: mse takes its arguments by name, got 3"),
        (
            "focal",
            "3:18: loss 'focal' is not available yet: its curvature depends on the targets",
        ),
        ("l1", "it has no curvature, so that no rate is stable or unstable"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(loss, text):
    with pytest.raises(SpecError) as caught:
        lrbound.parse(SPEC.format(loss), source="a.yaml")

    assert text in str(caught.value)
