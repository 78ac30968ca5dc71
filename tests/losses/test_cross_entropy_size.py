"""More classes than logits can be drawn for are refused before anything is drawn."""

from __future__ import annotations

import pytest

from lrbound import parse
from lrbound.spec import SpecError

SPEC = (
    "version: 1\ninput: {{shape: [10]}}\ntraining: {{loss: {loss}, batch_size: 8}}\nlayers: [{{linear: 100000000}}]\n"
)


@pytest.mark.parametrize("loss", ["cross_entropy", "binary_cross_entropy"])
def test_a_hundred_million_classes_are_refused_with_the_place(loss: str) -> None:
    with pytest.raises(SpecError, match=r":\d+:\d+: .*at most 1000000 outputs, got 100000000"):
        parse(SPEC.format(loss=loss))
