"""What activations on one residual stream share, against the sum over all pairs."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lrbound.backward import shared_stream as module
from lrbound.backward.records import VarianceSource
from lrbound.backward.shared_stream import Readers, readers
from lrbound.backward.unit_moments import LINEAR


@pytest.mark.parametrize("rows", [1, 3, 7, 100])
def test_blocks_of_rows_are_the_sum_over_pairs(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sum does not depend on how many rows are taken at a time."""
    monkeypatch.setattr(module, "ROWS", rows)
    rng = np.random.default_rng(1)
    (one, other), depths = rng.normal(size=(2, 12)), np.cumsum(rng.uniform(0.0, 0.5, 7))
    places = np.array([0, 2, 3, 5, 8, 9, 11])
    expected = sum(
        one[places[i]] * other[places[j]] * 2.0 / math.pi * math.asin(math.exp(-abs(depths[i] - depths[j])))
        for i in range(7)
        for j in range(7)
        if i != j
    )
    assert Readers(places, depths).between(one, other) == pytest.approx(expected, rel=1e-12)


def test_readers_are_grouped_by_stream() -> None:
    """Sources of other streams, of none, and single readers have nothing to share."""
    first, second, lone = object(), object(), object()
    streams = [first, None, second, first, lone, second, first]
    found = readers([VarianceSource(LINEAR, stream=stream, depth=float(at)) for at, stream in enumerate(streams)])
    assert [group.places.tolist() for group in found] == [[0, 3, 6], [2, 5]]
    assert [group.depths.tolist() for group in found] == [[0.0, 3.0, 6.0], [2.0, 5.0]]
