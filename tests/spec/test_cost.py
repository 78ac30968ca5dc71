"""What would fill the memory is refused before the work, with the number; what is only large is answered."""

from __future__ import annotations

import pytest

import lrbound
from lrbound.errors import Refused

SPEC = """
version: 1
input: {{shape: [3, {side}, {side}]}}
training: {{batch_size: 32}}
layers:
  - {first}
  - relu
  - {second}
  - global_avg_pool
  - linear: 10
"""
CONVOLUTION = "conv2d: {channels: 16, kernel: 3, padding: 1}"


def test_a_filter_that_tells_a_million_positions_apart_is_refused_with_their_number():
    net = lrbound.parse(
        SPEC.format(side=2048, first="conv2d: {channels: 16, kernel: 1024, padding: 500}", second="relu")
    )

    with pytest.raises(Refused, match=r"1001 kinds of rows and 1001 of columns, 1\.0e\+12 pairs; at most 2e\+06"):
        lrbound.predict(net)


@pytest.mark.parametrize(
    ("side", "pool"), [(64, "32"), (1024, "512"), (128, "{kernel: 64, stride: 1}"), (224, "{kernel: 15, stride: 1}")]
)
def test_large_max_pools_are_answered(side, pool):
    prediction = lrbound.predict(lrbound.parse(SPEC.format(side=side, first=CONVOLUTION, second=f"max_pool2d: {pool}")))

    assert 0.0 < prediction.lambda_max < float("inf")


def test_windows_of_just_over_the_limit_are_predicted_as_those_just_under_it():
    """Above it the padded border is left out: 2 to 4 % of lambda_max at this size."""
    below, above = (
        lrbound.predict(
            lrbound.parse(SPEC.format(side=2 * side, first=CONVOLUTION, second=f"max_pool2d: {side}"))
        ).lambda_max
        for side in (14, 15)
    )

    assert above == pytest.approx(below, rel=0.06)
