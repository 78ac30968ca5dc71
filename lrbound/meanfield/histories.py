"""Laws that agree are computed once: most positions of an image share one history of variances."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lrbound.meanfield.positions import Array


def distinct(table: Array, digits: float) -> tuple[Array, NDArray[np.int64]]:
    """Return the mean of each set of rows alike to ``digits`` as weights (sets, rows), and the set of every row."""
    scale = max(float(np.abs(table).max(initial=0.0)), 1e-300)
    seen: dict[bytes, int] = {}
    rounded = np.rint(table * (10.0**digits / scale)).astype(np.int64)
    sets = np.array([seen.setdefault(row.tobytes(), len(seen)) for row in rounded], dtype=np.int64)
    member = (sets == np.arange(len(seen))[:, None]).astype(np.float64)
    return member / member.sum(axis=1, keepdims=True), sets
