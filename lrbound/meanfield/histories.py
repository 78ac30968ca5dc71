"""Laws that agree are computed once: most positions of an image share one history of variances."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

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


def per_history(compute: Callable[[Array, Array], Array], values: Array, spread: Array) -> Array:
    """Return a function of laws (m, nodes) and variances (m,), computed once for alike ones."""
    first, inverse = distinct(values[:, ::8], spread[:, None])
    return compute(values[first], spread[first])[inverse]


def by_history(compute: Callable[[Array], tuple[Array, Array, Array]], values: Array) -> tuple[Array, Array, Array]:
    """Return three functions of laws (r, c, nodes), computed once for alike ones."""
    flat = values.reshape(-1, values.shape[-1])
    first, inverse = distinct(flat[:, ::8])
    shape = values.shape[:-1]
    share, density, above = (part[inverse] for part in compute(flat[first]))
    return share.reshape(shape), density.reshape(shape), above.reshape(*shape, -1)
