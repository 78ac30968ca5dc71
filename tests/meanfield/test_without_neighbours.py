"""Pools that overlap on a map of which no two positions are neighbours."""

from __future__ import annotations

import math

from lrbound import parse, predict

SPEC = """
version: 1
input: {shape: [1, 1, 1]}
layers:
- avg_pool2d: {kernel: 2, stride: 1, padding: 1}
- batch_norm
- max_pool2d: {kernel: 1}
- proxy_norm: {activation: tanh, beta: 1}
- flatten
"""


def test_no_standard_deviation_of_neighbours_is_no_error() -> None:
    assert math.isfinite(predict(parse(SPEC)).lambda_max)
