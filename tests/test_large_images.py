"""The specs of published networks at 224x224: faithful, quick, and as small as their classes of positions."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from lrbound import load, parse, predict

EXAMPLES = Path(__file__).parent.parent / "examples"
PUBLISHED = {
    "vgg16-bn": 138_365_992,
    "resnet18": 11_689_512,
    "resnet50": 25_557_032,
    "resnet152": 60_192_808,
    "mobilenetv2": 3_504_872,
    "densenet121": 7_978_856,
    "efficientnet-b0": 5_288_548,
}
"""Parameters of torchvision's models."""


@pytest.mark.parametrize(("name", "parameters"), PUBLISHED.items())
def test_parameters_are_the_published_ones(name: str, parameters: int) -> None:
    """And the shapes: 224x224 in, 1000 out."""
    net = load(str(EXAMPLES / f"{name}.yaml"))
    assert net.name == name
    assert net.input.shape == (3, 224, 224)
    assert net.outputs == 1000
    assert net.parameters == parameters


@pytest.mark.parametrize("name", ["resnet18", "mobilenetv2", "densenet121", "efficientnet-b0"])
def test_torch_gives_the_shapes_that_the_spec_says(name: str) -> None:
    """At 64x64, layer by layer, with as many parameters as the spec counts."""
    text = (EXAMPLES / f"{name}.yaml").read_text().replace("[3, 224, 224]", "[3, 64, 64]")
    net = parse(text, name=name)
    value = torch.randn(2, *net.input.shape)
    count = 0
    with torch.no_grad():
        for node, shape in net.unrolled():
            module = node.layer.torch(shape, net.init)
            value = module(value)
            count += sum(parameter.numel() for parameter in module.parameters())
            assert value.shape[1:] == node.layer.output_shape(shape)
    assert count == net.parameters == PUBLISHED[name]


@pytest.mark.parametrize("name", ["vgg16-bn", "resnet18", "mobilenetv2", "densenet121", "efficientnet-b0"])
def test_predictions_are_finite(name: str) -> None:
    """Every layer with parameters has a part of its own, and they add up."""
    answer = predict(load(str(EXAMPLES / f"{name}.yaml")))
    assert math.isfinite(answer.lambda_max)
    assert answer.max_learning_rate > 0.0
    assert all(layer.lambda_ >= 0.0 for layer in answer.layers)


def test_size_of_the_image_costs_nothing() -> None:
    """Classes do not grow with the image: the last map of 1024x1024 has as many as that of 224x224, or fewer."""
    text = (EXAMPLES / "mobilenetv2.yaml").read_text()
    small, large = (
        predict(parse(text.replace("[3, 224, 224]", f"[3, {side}, {side}]"), name="x")).lambda_max
        for side in (224, 1024)
    )
    assert large == pytest.approx(small, rel=0.5)
