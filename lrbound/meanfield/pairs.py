"""Pairs of classes of positions, with those that a symmetry makes equal taken once.

Both ends of a pair can be exchanged, and on a square map whose rows and columns are treated alike so can rows and
columns: a function that costs much is then wanted on a quarter of the pairs.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lrbound.meanfield.positions import Array

ALIKE = 1e-9
"""Relative difference up to which rows and columns are treated alike."""


@dataclass(frozen=True, eq=False)
class Pairs:
    """One pair of each set of equal ones.

    Attributes
    ----------
    entry : ndarray (sets,)
        Its place in a flattened array over (r, r, c, c).
    left, right : ndarray (sets,)
        The flattened classes at its ends.
    member : ndarray (r, r, c, c)
        The set that each pair is in.
    """

    entry: NDArray[np.int64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    member: NDArray[np.int64]

    def pick(self, pair: Array) -> Array:
        """Return (..., sets) from (..., r, r, c, c)."""
        return pair.reshape(*pair.shape[:-4], -1).take(self.entry, axis=-1)

    def spread(self, values: Array) -> Array:
        """Return (..., r, r, c, c) from (..., sets)."""
        return values.take(self.member, axis=-1)

    def ends(self, values: Array) -> tuple[Array, Array]:
        """Return a class function (r, c, ...) at both ends, two arrays (sets, ...)."""
        flat = values.reshape(-1, *values.shape[2:])
        return flat[self.left], flat[self.right]


def pairs(pair: Array, *by_class: Array) -> Pairs:
    """Return the pairs on which a function of ``pair`` (..., r, r, c, c) and of class functions (r, c, ...) differs.

    ``pair`` must not change when its ends are exchanged.
    """
    rows, cols = pair.shape[-4], pair.shape[-2]
    turned = np.moveaxis(pair, (-2, -1), (-4, -3))
    transposed = rows == cols and _equal(pair, turned) and all(_equal(v, v.swapaxes(0, 1)) for v in by_class)
    return _pairs(rows, cols, transposed=transposed)


def _equal(one: Array, other: Array) -> bool:
    return bool(np.abs(one - other).max() <= ALIKE * np.abs(one).max())


@lru_cache(maxsize=64)
def _pairs(rows: int, cols: int, *, transposed: bool) -> Pairs:
    shape = (rows, rows, cols, cols)
    places = np.arange(rows * rows * cols * cols).reshape(shape)
    least = np.minimum(places, places.transpose(1, 0, 3, 2))
    if transposed:
        least = np.minimum(least, least.transpose(2, 3, 0, 1))
    entry, member = np.unique(least, return_inverse=True)
    i, j, k, m = np.unravel_index(entry, shape)
    return Pairs(entry, i * cols + k, j * cols + m, member.reshape(shape))
