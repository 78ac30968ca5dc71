"""What a spec wants to know about data: mean square and correlation of the samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lrbound.errors import Refused

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BLOCK = 1 << 22
"""Numbers that are turned into float64 at a time."""


@dataclass(frozen=True)
class Statistics:
    """Statistics of samples.

    Attributes
    ----------
    name : str
        Where they come from.
    samples : int
    shape : tuple of int
        Of one sample.
    mean_square : float
        E[x_i^2].
    correlation : float or None
        Mean of x.y / (N mean_square) over all pairs of different samples, N numbers each; None where there is none.
    warnings : tuple of str
    """

    name: str
    samples: int
    shape: tuple[int, ...]
    mean_square: float
    correlation: float | None
    warnings: tuple[str, ...] = ()


def statistics(data: NDArray[np.generic], name: str) -> Statistics:
    """Return the statistics of samples along the first axis.

    The sum over pairs of x.y is |sum of x|^2 less the sum of |x|^2, so its cost is that of reading the data once.

    Raises
    ------
    Refused
        Where the array holds no samples, or numbers that are not finite.
    """
    import numpy as np

    if data.ndim < 2 or data.size == 0:
        raise Refused(f"samples by features are needed, got an array of shape {list(data.shape)}")
    if data.dtype.kind not in "biuf":
        raise Refused(f"numbers are needed, got an array of type {data.dtype}")
    count, shape = len(data), data.shape[1:]
    features = data.size // count
    total, squares = np.zeros(features), 0.0
    step = max(BLOCK // features, 1)
    for start in range(0, count, step):
        block = np.asarray(data[start : start + step], dtype=np.float64).reshape(-1, features)
        total += block.sum(axis=0)
        squares += float(np.square(block).sum())
    if not np.isfinite(squares):
        raise Refused("some values are not finite")
    warnings = []
    correlation = None
    if count == 1:
        warnings.append("correlation is null: one sample has no pairs")
    elif squares == 0.0:
        warnings.append("correlation is null: all values are 0")
    else:
        correlation = float((np.square(total).sum() - squares) / ((count - 1) * squares))
        if correlation < 0.0:
            warnings.append("correlation is negative; a spec takes at least 0, so leave it out")
    return Statistics(name, count, shape, squares / data.size, correlation, tuple(warnings))
