"""Signals [channels, length]: the same networks on maps one position wide, and measured ones."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

import lrbound
from lrbound.empirical.measure import measure
from lrbound.spec import SpecError

CONV = "conv1d: {{channels: {}, kernel: 5, padding: 2}}".format
NETS = {
    "batch norm": (
        "[2, 32]",
        f"[{{{CONV(48)}}}, batch_norm, relu, {{max_pool1d: 2}}, {{{CONV(64)}}}, batch_norm, relu, global_avg_pool, {{linear: 10}}]",
    ),
    "flatten": ("[4, 24]", f"[{{{CONV(48)}}}, relu, {{avg_pool1d: 2}}, {{{CONV(48)}}}, tanh, flatten, {{linear: 10}}]"),
    "residual": (
        "[4, 32]",
        f"[{{{CONV(48)}}}, {{residual: [{{group_norm: 8}}, relu, {{{CONV(48)}}}]}}, layer_norm, relu, global_avg_pool, {{linear: 10}}]",
    ),
    "dilated": (
        "[8, 40]",
        (
            "[{conv1d: {channels: 48, kernel: 3, padding: 1}}, batch_norm, relu, {conv1d: {channels: 48, kernel: 3, padding: 2, "
            "dilation: 2}}, batch_norm, relu, {conv1d: {channels: 48, kernel: 3, padding: same, dilation: 4}}, batch_norm, relu, "
            "global_avg_pool, {linear: 10}]"
        ),
    ),
    "same with steps": (
        "[8, 41]",
        (
            "[{conv1d: {channels: 48, kernel: 4, padding: same, stride: 2}}, instance_norm, relu, {conv1d: {channels: 48, kernel: 3, "
            "padding: same, groups: 4}}, layer_norm, gelu, {max_pool1d: {kernel: 3, stride: 2, ceil_mode: true}}, flatten, "
            "{linear: 10}]"
        ),
    ),
}


def network(shape: str, layers: str):
    return lrbound.parse(
        f"version: 1\ninput: {{shape: {shape}}}\ninit: he\ntraining: {{batch_size: 32}}\nlayers: {layers}\n"
    )


@pytest.mark.parametrize("name", NETS)
def test_lambda_max_is_that_of_drawn_networks(name):
    net = network(*NETS[name])
    values = [sample.lambda_max for sample in measure(net, seeds=4)]
    error = np.std(values) / math.sqrt(len(values)) / np.mean(values)

    assert lrbound.predict(net).lambda_max == pytest.approx(np.mean(values), rel=0.08 + error)
    assert net.parameters == sum(parameter.numel() for parameter in lrbound.to_torch(net, seed=0).parameters())


@pytest.mark.parametrize("name", ["batch norm", "flatten", "residual"])
def test_a_signal_is_a_map_one_position_wide(name):
    shape, layers = NETS[name]
    wide = re.sub(r"kernel: (\d), padding: (\d)", r"kernel: [\1, 1], padding: [\2, 0]", layers.replace("1d", "2d"))
    wide = re.sub(r"pool2d: 2", "pool2d: [2, 1]", wide)
    one, other = (lrbound.predict(net) for net in (network(shape, layers), network(shape.replace("]", ", 1]"), wide)))

    assert one.lambda_max == pytest.approx(other.lambda_max, rel=1e-12)
    assert one.max_learning_rate == pytest.approx(other.max_learning_rate, rel=1e-12)


@pytest.mark.parametrize(
    ("layers", "text"),
    [
        (
            "[{conv2d: {channels: 4, kernel: 3}}, flatten, {linear: 2}]",
            "conv2d takes [channels, height, width], got [3, 20]",
        ),
        ("[{conv1d: {channels: 4, kernel: 30}}, flatten, {linear: 2}]", "kernel 30 with padding 0 does not fit"),
        ("[{max_pool1d: 30}, flatten, {linear: 2}]", "max_pool1d: window 30 does not fit the length 20"),
        (
            "[{conv1d: {channels: 4, kernel: [3, 3]}}, flatten, {linear: 2}]",
            "'kernel' must be a positive integer, got a list",
        ),
        ("[{conv1d: {channels: 4, kernel: 3, padding: some}}, flatten, {linear: 2}]", "or same, got the text 'some'"),
        ("[relu, {linear: 2}]", "linear takes flat features, got [3, 20]"),
    ],
)
def test_what_does_not_fit_a_signal_is_said(layers, text):
    with pytest.raises(SpecError) as caught:
        network("[3, 20]", layers)

    assert text in str(caught.value)
