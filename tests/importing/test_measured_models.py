"""What is predicted for models of well-known kinds, reduced in width, and what is measured on the same modules."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest
import torch

import lrbound
from lrbound.empirical.measure import Setting, measure
from tests.importing.torchvision_style import VGG, BasicBlock, DenseNet, MobileNetV2, ResNet

if TYPE_CHECKING:
    from torch import nn

SHAPE, BATCH = (3, 64, 64), 64
MODELS = {
    "resnet18": lambda: ResNet(BasicBlock, [2, 2, 2, 2], classes=10, width=16),
    "vgg": lambda: VGG(10, (16, 0, 32, 0, 64, 64, 0, 128, 128, 0, 128, 128, 0), side=2, units=256),
    "mobilenetv2": lambda: MobileNetV2(10, width=0.25),
    "densenet": lambda: DenseNet(8, (3, 6, 6, 3), classes=10, channels=16),
}


def made(model: str, seed: int) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return MODELS[model]()


def ratio(model: str, seeds: int = 1) -> tuple[float, list[float]]:
    network = lrbound.from_torch(made(model, 0), SHAPE)
    network = dataclasses.replace(network, training=dataclasses.replace(network.training, batch_size=BATCH))
    values = [one.lambda_max for one in measure(network, seeds=seeds, setting=Setting(model=lambda s: made(model, s)))]
    return lrbound.predict(network).lambda_max / (sum(values) / len(values)), values


@pytest.mark.parametrize("model", MODELS)
def test_a_model_of_a_well_known_kind_measures_what_is_predicted(model):
    found, _ = ratio(model)
    assert found == pytest.approx(1.0, abs=0.1)
