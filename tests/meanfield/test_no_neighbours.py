"""Maps on which no two positions are neighbours, under layers that track what neighbours share."""

from __future__ import annotations

from lrbound import predict
from lrbound.spec import parse

SPEC = """version: 1
input: {shape: [1, 1, 1]}
layers:
- avg_pool2d: {kernel: 2, stride: 1, padding: 1}
- batch_norm: {beta: 0.5}
- max_pool2d: {kernel: 1}
- proxy_norm: {activation: tanh, beta: 1}
- flatten
"""


def test_an_activation_after_overlapping_windows_of_one_pixel_is_that_without_neighbours():
    assert predict(parse(SPEC)).lambda_max > 0.0
