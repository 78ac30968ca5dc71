"""Activations that read one residual stream: they have the same units, as far as the stream is the same below them.

Norms that vary on a Gaussian stream vary once, at its sums; what a mask adds at a fixed norm is shared with the other masks
on the stream by the correlation of their arguments, (2/pi) asin exp(-t) for ReLUs that are apart by the logarithm t of
what the sums between them have kept. Status: derived for ReLU masks, used for all activations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrbound.backward.records import VarianceSource
    from lrbound.meanfield.positions import Array

ROWS = 512
"""Rows of pairs at a time: the stream of a deep network has thousands of readers."""


class Readers(NamedTuple):
    """The sources that read one stream: their places in the row of all sources, and their depths along it."""

    places: Array
    depths: Array

    def between(self, one: Array, other: Array) -> float:
        """Return the sum of products of two different readers' values, of ``one`` and ``other``, times their correlations."""
        left, right = one[self.places], other[self.places]
        total = 0.0
        for start in range(0, len(left), ROWS):
            rows = slice(start, start + ROWS)
            apart = np.abs(self.depths[rows, None] - self.depths)
            total += float(left[rows] @ np.arcsin(np.exp(-apart)) @ right)
        return 2.0 / np.pi * total - float(left @ right)


def readers(sources: Sequence[VarianceSource]) -> tuple[Readers, ...]:
    """Return the readers of every stream that has more than one."""
    streams: dict[int, list[int]] = {}
    for place, source in enumerate(sources):
        if source.stream is not None:
            streams.setdefault(id(source.stream), []).append(place)
    return tuple(
        Readers(np.array(places), np.array([sources[place].depth for place in places]))
        for places in streams.values()
        if len(places) > 1
    )
