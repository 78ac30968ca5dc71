"""Comparison of arrays of many elements, each of which takes pytest.approx 20 microseconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def close(found: ArrayLike, expected: ArrayLike, *, rel: float, absolute: float = 0.0) -> bool:
    """Return whether shapes are equal and every element is off by at most the larger of both tolerances."""
    one, other = np.asarray(found), np.asarray(expected)
    return one.shape == other.shape and bool((np.abs(one - other) <= np.maximum(rel * np.abs(other), absolute)).all())
