"""Optimisers and losses come back from the objects of torch that they build."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from lrbound.errors import Refused
from lrbound.losses import LOSSES
from lrbound.optimizers import OPTIMIZERS
from lrbound.optimizers.sgd import SGD
from lrbound.torch.settings import criterion_of

IN_TORCH = [name for name in OPTIMIZERS.names() if OPTIMIZERS.get(name).torch_class]


@pytest.mark.parametrize("name", IN_TORCH)
def test_an_optimiser_comes_back_from_the_parameter_group_that_it_builds(name):
    optimizer = OPTIMIZERS.get(name)(weight_decay=0.01)
    built = optimizer.torch([nn.Parameter(torch.ones(3))], 0.1)

    assert type(built).__name__ == optimizer.torch_class
    assert type(optimizer).from_torch(built.param_groups[0]) == optimizer


@pytest.mark.parametrize("settings", [{"momentum": 0.9}, {"momentum": 0.5, "nesterov": True}, {"weight_decay": 0.1}])
def test_the_settings_of_sgd_are_read(settings):
    built = torch.optim.SGD([nn.Parameter(torch.ones(3))], lr=0.1, **settings)
    assert SGD.from_torch(built.param_groups[0]) == SGD(**settings)


def test_a_setting_that_changes_the_step_and_is_not_known_is_refused():
    built = torch.optim.SGD([nn.Parameter(torch.ones(3))], lr=0.1, maximize=True, foreach=True)
    with pytest.raises(Refused, match="no theory for SGD with maximize=True; leave it out"):
        SGD.from_torch(built.param_groups[0])


@pytest.mark.parametrize("name", [name for name in LOSSES.names() if LOSSES.get(name).torch_names])
def test_a_loss_comes_back_from_its_module_and_from_its_function(name):
    loss = LOSSES.get(name)()
    module, function = loss.torch_names

    assert criterion_of(loss.torch(), loss).loss == loss
    assert type(loss.torch()).__name__ == module
    assert criterion_of(getattr(nn.functional, function), loss).loss == loss


@pytest.mark.parametrize("name", [name for name in LOSSES.names() if LOSSES.get(name).torch_names])
def test_a_sum_is_as_many_times_the_loss_as_is_said(name):
    loss = LOSSES.get(name)()
    outputs = torch.randn(7, 4)
    targets = {"classes": torch.arange(7) % 4, "values": torch.randn(7, 4), "bits": torch.rand(7, 4)}[loss.targets]
    total = type(loss.torch())(reduction="sum")

    ratio = total(outputs, targets) / loss.torch()(outputs, targets)

    assert float(ratio) == pytest.approx(criterion_of(total, loss).multiple(7, 4), rel=1e-5)
