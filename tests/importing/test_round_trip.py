"""from_torch(to_torch(spec)) is spec, for every layer: up to what a module cannot know (training, law of the inputs)."""

from __future__ import annotations

from pathlib import Path

import pytest

import lrbound
from lrbound.layers import LAYERS
from lrbound.layers.base import children
from tests.importing.same import inits_agree, structure

ROOT = Path(__file__).parents[2]
SPECS = sorted(
    path for folder in ("examples", "examples/zoo", "tests/reference/specs") for path in (ROOT / folder).glob("*.yaml")
)


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_a_spec_comes_back_from_its_module(path):
    spec = lrbound.load(path)
    law = spec.input

    back = lrbound.from_torch(
        lrbound.to_torch(spec),
        law.shape,
        name=spec.name,
        mean_square=law.mean_square,
        correlation=law.correlation,
        training=spec.training,
    )

    assert (back.name, back.input, back.training) == (spec.name, spec.input, spec.training)
    assert structure(back) == structure(spec)
    assert back.parameters == spec.parameters
    assert inits_agree(back, spec)


def kinds(nodes):
    for node in nodes:
        yield node.layer.kind
        yield from kinds(children(node.layer))


def test_the_specs_above_have_every_layer_but_those_that_follow():
    found = {kind for path in SPECS for kind in kinds(lrbound.load(path).nodes)}

    assert set(LAYERS.names()) - found == set(OTHERS)


SIGNAL = (
    "[conv1d: {channels: 6, kernel: 3, padding: 1}, batch_norm, relu, max_pool1d: {kernel: 3, stride: 2, ceil_mode: true}, conv1d: "
    "{channels: 6, kernel: 5, dilation: 2, padding: 4, padding_mode: circular}, layer_norm, tanh, avg_pool1d: 2, conv1d: {channels: "
    "4, kernel: 1, groups: 2}, flatten, linear: 3]"
)
OTHERS = {
    **{
        kind: f"[linear: 20, {kind}, linear: 3]"
        for kind in ("celu", "hardsigmoid", "hardswish", "hardtanh", "mish", "relu6", "softsign")
    },
    "identity": "[linear: 20, identity, linear: 3]",
    "conv1d": SIGNAL,
    "max_pool1d": SIGNAL,
    "avg_pool1d": SIGNAL,
    "prelu": "[linear: 20, prelu, linear: 20, prelu: {per_channel: true, negative_slope: 0.1}, linear: 3]",
    "layer_scale": "[linear: 20, residual: [relu, linear: 20, layer_scale: 0.1], linear: 3]",
    "stochastic_depth": "[linear: 20, residual: [relu, linear: 20, stochastic_depth: 0.2], linear: 3]",
    "multiply": "[multiply: [[linear: 20, tanh], [linear: 20, sigmoid]], linear: 3]",
}


@pytest.mark.parametrize("layers", OTHERS.values(), ids=OTHERS)
def test_layers_that_no_spec_above_has_come_back_too(layers):
    shape = "[2, 50]" if layers is SIGNAL else "[50]"
    spec = lrbound.parse(f"version: 1\ninput: {{shape: {shape}}}\nlayers: {layers}")

    back = lrbound.from_torch(lrbound.to_torch(spec), spec.input.shape)

    assert structure(back) == structure(spec)


def test_borders_steps_and_dilation_come_back():
    layers = (
        "[conv2d: {channels: 6, kernel: 3, padding: [[0, 1], [2, 0]], dilation: [1, 2]}, relu, conv2d: {channels: 6, kernel: 4, "
        "padding: [[1, 2], [1, 2]]}, relu, max_pool2d: {kernel: 3, stride: 2, ceil_mode: true}, flatten, linear: 3]"
    )
    spec = lrbound.parse(f"version: 1\ninput: {{shape: [3, 12, 12]}}\nlayers: {layers}")

    assert structure(lrbound.from_torch(lrbound.to_torch(spec), spec.input.shape)) == structure(spec)
