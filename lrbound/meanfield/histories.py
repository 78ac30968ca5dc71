"""Laws that agree are computed once: most positions of an image share one history of variances."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lrbound.meanfield.positions import Array

HISTORY_DIGITS = 3
"""Digits of their scale to which laws agree."""


def distinct(*columns: Array) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return one row of each set of alike ones, and the set of every row."""
    table = np.concatenate([column.reshape(len(column), -1) for column in columns], axis=1)
    scale = max(float(np.abs(table).max()), 1e-300)
    seen: dict[bytes, int] = {}
    first: list[int] = []
    inverse: list[int] = []
    for row, digits in enumerate(np.rint(table * (10.0**HISTORY_DIGITS / scale)).astype(np.int64)):
        known = seen.setdefault(digits.tobytes(), len(seen))
        if known == len(first):
            first.append(row)
        inverse.append(known)
    return np.array(first), np.array(inverse)
