"""The specs of published networks at 224x224: faithful, quick, and as small as their classes of positions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch

from lrbound import load, parse
from lrbound.forward.sweep import Chain, forward
from lrbound.layers.base import Context

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lrbound.meanfield.kernel import Kernel

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


def test_size_of_the_image_costs_nothing() -> None:
    """Classes do not grow with the image: maps of 1024x1024 have no more than those of 512x512, and 12 a side at most."""
    small, large = (class_counts(side) for side in (512, 1024))
    assert all(count <= before for count, before in zip(large, small, strict=True))
    assert max(small) <= 12


def class_counts(side: int) -> list[int]:
    """Return the number of row classes of every map of MobileNetV2 on an image of ``side`` pixels."""
    text = (EXAMPLES / "mobilenetv2.yaml").read_text()
    network = parse(text.replace("[3, 224, 224]", f"[3, {side}, {side}]"), name="x")
    ctx = Context(128.0, True, network.init, warn=lambda _: None)
    return [len(kernel.rows.counts) for kernel in kernels(forward(network, ctx))]


def kernels(chain: Chain) -> Iterator[Kernel]:
    """Yield the kernel above every layer, branches included."""
    for step in chain:
        yield step.above
        for arm in getattr(step, "chains", ()):
            yield from kernels(arm)
