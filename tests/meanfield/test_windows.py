"""Networks whose windows have sides, steps and borders of their own along each axis, against lambda_max of sampled ones."""

from __future__ import annotations

import pytest
import torch

from lrbound import predict, to_torch
from lrbound.spec import parse

MEASURED = {
    "cnn-bn-1x5-5x1": (
        """
# separable filters, 1x5 then 5x1, without a border along one axis
version: 1
input: {shape: [3, 12, 12]}
init: he
training: {batch_size: 32}
layers:
  - conv2d: {channels: 48, kernel: [1, 5], padding: [0, 2], bias: false}
  - batch_norm
  - relu
  - conv2d: {channels: 48, kernel: [5, 1], padding: [2, 0], bias: false}
  - batch_norm
  - relu
  - conv2d: {channels: 48, kernel: [1, 3], stride: [1, 2], bias: false}
  - batch_norm
  - relu
  - global_avg_pool
  - linear: 10
""",
        10.16,
        0.1,
        6,
    ),
    "cnn-relu-3x5-stride": (
        """
# spectrogram-like: a wide image, wide filters, wide strides, a wide pool, no normaliser
version: 1
input: {shape: [2, 8, 24]}
init: he
training: {batch_size: 24}
layers:
  - conv2d: {channels: 64, kernel: [3, 5], padding: [1, 2]}
  - relu
  - conv2d: {channels: 64, kernel: [3, 5], stride: [1, 2], padding: [1, 0]}
  - relu
  - max_pool2d: {kernel: [2, 1]}
  - conv2d: {channels: 64, kernel: [1, 3], stride: [1, 2]}
  - relu
  - global_avg_pool
  - linear: 10
""",
        817.16,
        170.0,
        30,
    ),
    "cnn-bn-1d": (
        """
# one-dimensional: 1x7 filters on a line, overlapping pools
version: 1
input: {shape: [4, 1, 64]}
init: he
training: {batch_size: 32}
layers:
  - conv2d: {channels: 64, kernel: [1, 7], padding: [0, 3]}
  - batch_norm
  - relu
  - avg_pool2d: {kernel: [1, 3], stride: [1, 2], padding: [0, 1]}
  - conv2d: {channels: 64, kernel: [1, 5], padding: [0, 2]}
  - batch_norm
  - hardswish
  - avg_pool2d: {kernel: [1, 2]}
  - conv2d: {channels: 64, kernel: [1, 3], padding: [0, 1]}
  - batch_norm
  - relu6
  - flatten
  - linear: 10
""",
        208.7,
        2.4,
        6,
    ),
    "cnn-bn-depthwise-5x3": (
        """
# depthwise filters that are not square
version: 1
input: {shape: [4, 10, 10]}
init: he
training: {batch_size: 32}
layers:
  - repeat:
      times: 2
      layers:
        - {conv2d: {channels: 64, kernel: 1, bias: false}}
        - batch_norm
        - relu6
        - {conv2d: {channels: 64, kernel: [5, 3], padding: [2, 1], groups: 64, bias: false}}
        - batch_norm
        - relu6
  - conv2d: {channels: 64, kernel: 1, bias: false}
  - batch_norm
  - relu
  - global_avg_pool
  - linear: 10
""",
        12.312,
        0.11,
        6,
    ),
    "cnn-bn-maxpool-circular": (
        """
# overlapping max pool with a window of its own along each axis, circular wide filters, a groupwise filter
version: 1
input: {shape: [3, 10, 15]}
init: he
training: {batch_size: 32}
layers:
  - conv2d: {channels: 48, kernel: [3, 5], padding: [1, 2], padding_mode: circular, bias: false}
  - batch_norm
  - relu
  - max_pool2d: {kernel: [2, 3], stride: [2, 2], padding: [0, 1]}
  - conv2d: {channels: 64, kernel: [5, 3], stride: [2, 1], padding: [2, 1], groups: 2, bias: false}
  - batch_norm
  - hardswish
  - flatten
  - linear: 10
""",
        317.13,
        9.4,
        6,
    ),
}
"""Spec; mean and standard deviation of lambda_max, as `lrbound measure` has them; number of initialisations (seed 0)."""


@pytest.mark.parametrize("name", MEASURED)
def test_prediction_is_within_five_percent_of_measured_networks(name):
    text, mean, deviation, count = MEASURED[name]
    assert deviation / count**0.5 < 0.04 * mean  # so that the test can fail
    assert predict(parse(text, source=name)).lambda_max == pytest.approx(mean, rel=0.05)


def layers_of(text):
    return [node.layer for node, _ in parse(text + END).unrolled()][:-2]


HEAD = "version: 1\ninput: {shape: [2, 9, 14]}\nlayers:\n"
END = "  - flatten\n  - linear: 1\n"


def test_one_number_stands_for_two_equal_ones():
    short = layers_of(HEAD + "  - conv2d: {channels: 4, kernel: 3, padding: 1}\n  - max_pool2d: 2\n")
    long = layers_of(HEAD + "  - conv2d: {channels: 4, kernel: [3, 3], padding: [1, 1]}\n  - max_pool2d: [2, 2]\n")
    assert short == long


def test_a_pool_steps_by_its_own_sides():
    (_, pool) = layers_of(HEAD + "  - conv2d: {channels: 2, kernel: 1}\n  - avg_pool2d: [2, 3]\n")
    assert (pool.window.rows.stride, pool.window.cols.stride) == (2, 3)
    assert pool.output_shape((2, 9, 14)) == (2, 4, 4)


@pytest.mark.parametrize("name", MEASURED)
def test_the_torch_modules_have_the_same_windows(name):
    network = parse(MEASURED[name][0], source=name)
    x = torch.zeros((2, *network.input.shape))
    for (_, shape), module in zip(network.unrolled(), to_torch(network), strict=True):
        assert tuple(x.shape[1:]) == shape
        x = module(x)


def test_parameters_count_the_area_of_the_filters():
    (conv,) = layers_of(HEAD + "  - conv2d: {channels: 6, kernel: [2, 5], groups: 2}\n")
    module = conv.torch((2, 9, 14), parse(HEAD + END).init)
    assert conv.parameters((2, 9, 14)) == sum(p.numel() for p in module.parameters()) == 6 * 10 + 6
