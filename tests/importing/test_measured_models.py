"""What is predicted for models of well-known kinds, reduced in width, and what is measured on the same modules."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest
import torch

import lrbound
from lrbound.empirical.measure import Setting, measure
from tests.importing.torchvision_style import VGG, BasicBlock, DenseNet, ResNet

if TYPE_CHECKING:
    from torch import nn

    from lrbound.network import Network

SHAPE, BATCH = (3, 64, 64), 64
MODELS = {
    "resnet18": lambda: ResNet(BasicBlock, [2, 2, 2, 2], classes=10, width=8),
    "vgg": lambda: VGG(10, (8, 0, 16, 0, 32, 0, 64, 0, 64, 0), side=2, units=128),
    "densenet": lambda: DenseNet(8, (2, 3, 3, 2), classes=10, channels=16),
}


def made(model: str, seed: int) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return MODELS[model]()


def read(model: str) -> Network:
    network = lrbound.from_torch(made(model, 0), SHAPE)
    return dataclasses.replace(network, training=dataclasses.replace(network.training, batch_size=BATCH))


def measured(model: str) -> float:
    (sample,) = measure(read(model), seeds=1, setting=Setting(model=lambda seed: made(model, seed)))
    return sample.lambda_max


@pytest.mark.parametrize("model", MODELS)
def test_a_model_of_a_well_known_kind_measures_what_is_predicted(model):
    """One initialisation: within the interval that holds for 90 % of them, and a tenth."""
    network, value = read(model), measured(model)

    low, high = lrbound.predict(network).lambda_max_interval
    assert 0.9 * low < value < 1.1 * high
