"""Max pools right after a concatenation, against measured networks."""

from __future__ import annotations

import pytest

from lrbound import predict
from lrbound.errors import Refused
from lrbound.spec import parse

NET = """version: 1
input: {{shape: [3, 8, 8]}}
init: he
training: {{loss: half_squared_error, batch_size: 16}}
layers:
- conv2d: {{channels: 32, kernel: 3, padding: 1, bias: false}}
{norm}
- relu
- concat:
    branches:
    - - conv2d: {{channels: 24, kernel: 1, bias: false}}
{inner}
      - relu
    - - conv2d: {{channels: 40, kernel: 3, padding: 1, bias: false}}
{inner}
{second}
- max_pool2d: {pool}
- conv2d: {{channels: 48, kernel: 3, padding: 1, bias: false}}
{norm}
- relu
- global_avg_pool
- linear: 5
"""


def net(pool: str, *, norm: bool, second: str = "      - relu") -> str:
    return NET.format(
        pool=pool,
        norm="- batch_norm" if norm else "- identity",
        inner="      - batch_norm" if norm else "      - identity",
        second=second,
    )


def test_lambda_max_of_a_pool_after_concat_with_batch_norm_is_that_of_drawn_nets():
    # mean of 24 initialisations by `lrbound measure`, of which one is 2.4 % off (one standard deviation)
    found = predict(parse(net("{kernel: 3, stride: 2, padding: 1}", norm=True))).lambda_max
    assert found == pytest.approx(10.94, rel=0.04)


def test_equal_branches_under_a_pool_are_one_layer_of_all_their_channels():
    text = net("2", norm=False).replace("channels: 24, kernel: 1,", "channels: 24, kernel: 3, padding: 1,")
    start, stop = text.index("- concat"), text.index("- max_pool2d")
    whole = text[:start] + "- conv2d: {channels: 64, kernel: 3, padding: 1, bias: false}\n- relu\n" + text[stop:]
    assert predict(parse(text)).lambda_max == pytest.approx(predict(parse(whole)).lambda_max, rel=0.02)


def test_branches_of_which_only_some_have_a_relu_are_refused_with_what_would_be_right():
    with pytest.raises(Refused, match="put relu after each branch, or the pool into the branches"):
        predict(parse(net("2", norm=False, second="")))
