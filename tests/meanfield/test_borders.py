"""Windows with dilation and borders of any kind: their taps against torch, lambda_max against measured networks."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

import lrbound
from lrbound.empirical.measure import measure
from lrbound.layers.conv2d import Conv2d
from lrbound.layers.max_pool2d import MaxPool2d
from lrbound.meanfield.positions import OUTSIDE

SIDE = st.integers(0, 3)
BORDER = st.one_of(
    SIDE, st.tuples(SIDE, SIDE), st.tuples(st.tuples(SIDE, SIDE), st.tuples(SIDE, SIDE)), st.just("same")
)
ONE_OR_TWO = st.one_of(st.integers(1, 3), st.tuples(st.integers(1, 3), st.integers(1, 3)))


@given(st.tuples(st.integers(3, 9), st.integers(3, 9)), ONE_OR_TWO, ONE_OR_TWO, ONE_OR_TWO, BORDER)
def test_taps_are_those_of_torchs_convolution(sides, kernel, stride, dilation, padding):
    """With a filter of ones at one tap the output is the input's position under that tap, and 0 outside."""
    layer = Conv2d(channels=1, kernel=kernel, stride=stride, dilation=dilation, padding=padding, bias=False)
    window = layer.window
    sizes = window.output_sizes(sides)
    assume(min(sizes) >= 1)
    numbers = torch.arange(1.0, math.prod(sides) + 1.0).view(1, 1, *sides)
    module = layer.torch((1, *sides), lrbound.init.NAMED["he"])
    rows, cols = window.rows.taps(sides[0]), window.cols.taps(sides[1])
    for r in range(rows.shape[1]):
        for c in range(cols.shape[1]):
            module.weight.data.zero_()[0, 0, r, c] = 1.0
            inside = (rows[:, r, None] != OUTSIDE) & (cols[None, :, c] != OUTSIDE)
            expected = np.where(inside, numbers[0, 0].numpy()[rows[:, r, None], cols[None, :, c]], 0.0)
            assert np.array_equal(module(numbers)[0, 0].detach().numpy(), expected)
    assert layer.output_shape((1, *sides)) == (1, *sizes)


@given(st.integers(2, 12), st.integers(1, 4), st.integers(1, 4), st.booleans())
def test_places_are_those_of_torchs_max_pool(side, kernel, stride, ceil):
    layer = MaxPool2d(kernel=kernel, stride=stride, padding=kernel // 2, ceil_mode=ceil)
    shape = layer.output_shape((1, side, side))

    assert tuple(layer.torch((1, side, side), None)(torch.zeros(1, 1, side, side)).shape[1:]) == shape


@pytest.mark.parametrize(("side", "kernel", "stride"), [(7, 3, 2), (8, 3, 2), (8, 4, 3), (9, 2, 2), (5, 5, 1)])
def test_same_keeps_a_place_for_every_step_and_puts_the_odd_pixel_last(side, kernel, stride):
    """As Keras pads: ceil(side/stride) places, the rest of what they need after the image."""
    window = Conv2d(channels=1, kernel=kernel, stride=stride, padding="same").window.rows
    before, after = window.borders(side)

    assert window.output_size(side) == -(-side // stride)
    assert after - before in (0, 1)
    if stride == 1:
        x, w = torch.randn(1, 1, side, side), torch.randn(1, 1, kernel, kernel)
        ours = functional.conv2d(nn.ZeroPad2d((before, after, before, after))(x), w)
        assert torch.allclose(ours, functional.conv2d(x, w, padding="same"), atol=1e-6)


NETS = {
    "dilated": (
        12,
        (
            "[{conv2d: {channels: 48, kernel: 3, padding: 2, dilation: 2}}, batch_norm, relu, {conv2d: {channels: 48, kernel: 3, "
            "padding: 4, dilation: 4}}, batch_norm, relu, global_avg_pool, {linear: 10}]"
        ),
    ),
    "dilated by rows": (
        16,
        (
            "[{conv2d: {channels: 48, kernel: 3, dilation: 2}}, batch_norm, relu, {conv2d: {channels: 48, kernel: [3, 1], dilation: "
            "[3, 1]}}, batch_norm, relu, flatten, {linear: 10}]"
        ),
    ),
    "depthwise": (
        12,
        (
            "[{conv2d: {channels: 64, kernel: 1}}, batch_norm, relu, {conv2d: {channels: 64, kernel: 3, padding: 2, dilation: 2, "
            "groups: 64}}, batch_norm, relu, {conv2d: {channels: 64, kernel: 1}}, batch_norm, relu, global_avg_pool, {linear: 10}]"
        ),
    ),
    "same with steps": (
        12,
        (
            "[{conv2d: {channels: 48, kernel: 3, padding: same, stride: 2}}, batch_norm, relu, {conv2d: {channels: 48, kernel: 4, "
            "padding: same}}, batch_norm, relu, global_avg_pool, {linear: 10}]"
        ),
    ),
    "sides": (
        8,
        (
            "[{conv2d: {channels: 48, kernel: 3, padding: [[0, 1], [2, 0]]}}, relu, {conv2d: {channels: 48, kernel: 3, padding: [1, "
            "[0, 1]], stride: 2}}, relu, flatten, {linear: 10}]"
        ),
    ),
    "pools that reach beyond": (
        10,
        (
            "[{conv2d: {channels: 48, kernel: 3, padding: 1}}, batch_norm, relu, {max_pool2d: {kernel: 3, stride: 2, ceil_mode: "
            "true}}, {conv2d: {channels: 48, kernel: 3, padding: 1}}, batch_norm, relu, {max_pool2d: {kernel: 3, stride: 2, "
            "ceil_mode: true}}, flatten, {linear: 10}]"
        ),
    ),
}


@pytest.mark.parametrize("name", NETS)
def test_lambda_max_is_that_of_drawn_networks(name):
    side, layers = NETS[name]
    net = lrbound.parse(
        f"version: 1\ninput: {{shape: [3, {side}, {side}]}}\ninit: he\ntraining: {{batch_size: 32}}\nlayers: {layers}\n"
    )
    values = [sample.lambda_max for sample in measure(net, seeds=4)]
    error = np.std(values) / math.sqrt(len(values)) / np.mean(values)

    assert lrbound.predict(net).lambda_max == pytest.approx(np.mean(values), rel=0.1 + error)
