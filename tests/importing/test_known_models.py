"""Models that have a hand-written example: the imported spec is the same network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

import lrbound
from lrbound.importing.record import record
from lrbound.importing.translate import translate
from tests.importing import torchvision_style
from tests.importing.same import structure

EXAMPLES = Path(__file__).parents[2] / "examples"
# parameters as torchvision's documentation states them
MODELS = {
    "resnet18": ("resnet18", 11_689_512),
    "resnet50": ("resnet50", 25_557_032),
    "vgg16_bn": ("vgg16-bn", 138_365_992),
    "mobilenetv2": ("mobilenetv2", 3_504_872),
    "densenet121": ("densenet121", 7_978_856),
}


@pytest.mark.parametrize("model", MODELS)
def test_an_imported_model_predicts_what_its_hand_written_example_does(model):
    example, parameters = MODELS[model]
    written = lrbound.load(EXAMPLES / f"{example}.yaml")
    torch.manual_seed(0)
    module = getattr(torchvision_style, model)()

    found = lrbound.from_torch(module, written.input.shape, training=written.training)
    if (
        model == "mobilenetv2"
    ):  # the example has relu, from which relu6 differs by 1e-5 of lambda_max behind a normaliser
        text = translate(record(module, written.input.shape), name=model).text.replace("relu6", "relu")
        found = replace(lrbound.parse(text), training=written.training)

    assert found.parameters == parameters == sum(p.numel() for p in module.parameters())
    assert structure(found) == structure(written)
    ours, theirs = lrbound.predict(found), lrbound.predict(written)
    # the example writes its variances with six digits
    assert ours.lambda_max == pytest.approx(theirs.lambda_max, rel=1e-6)
    assert ours.max_learning_rate == pytest.approx(theirs.max_learning_rate, rel=1e-6)


def test_a_spec_is_written_as_a_person_would():
    torch.manual_seed(0)
    text = translate(record(torchvision_style.resnet18(), (3, 224, 224)), name="resnet18").text

    assert text.startswith(
        """\
# Imported from ResNet.
# conv2d (20 layers): kaiming_normal_(mode='fan_out')
# linear (1 layer): torch's default, uniform with the bound 1/sqrt(fan_in)
version: 1
name: resnet18
input:
  shape: [3, 224, 224]
init: {kaiming_normal: {mode: fan_out}}
layers:
  - conv2d: {channels: 64, kernel: 7, stride: 2, padding: 3, bias: false}  # conv1
  - batch_norm  # bn1
  - relu  # relu
  - max_pool2d: {kernel: 3, stride: 2, padding: 1}  # maxpool
  - repeat:
      times: 2
      layers:
        - residual:  # layer1.0 ... layer1.1
            layers:
              - conv2d: {channels: 64, kernel: 3, padding: 1, bias: false}  # layer1.0.conv1 ... layer1.1.conv1
"""
    )
    assert text.endswith("  - global_avg_pool  # avgpool\n  - linear: {features: 1000, init: pytorch}  # fc\n")
    assert len(text.splitlines()) < len((EXAMPLES / "resnet18.yaml").read_text().splitlines())
