"""Losses whose Hessian is averaged over drawn logits, of more outputs than can be drawn."""

from __future__ import annotations

import pytest

from lrbound import predict
from lrbound.errors import Refused
from lrbound.spec import parse


@pytest.mark.parametrize("loss", ["cross_entropy", "binary_cross_entropy"])
def test_more_outputs_than_are_drawn_are_refused_before_anything_is_drawn(loss):
    net = parse(
        f"version: 1\ninput: {{shape: [10]}}\ntraining: {{loss: {loss}, batch_size: 8}}\nlayers:\n- linear: 10000000\n"
    )
    with pytest.raises(Refused, match="over 10000000 outputs"):
        predict(net)
