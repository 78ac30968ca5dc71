"""Samples of a file as one array, for networks that run on them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from lrbound.data._open import open_data
from lrbound.errors import Refused
from lrbound.explore.statistics import statistics
from lrbound.notices import Notice

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lrbound.input_law import Input

NOTABLE = 0.05
"""Difference in a statistic that is worth a word."""


def read_samples(path: str, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Read samples for a network.

    Parameters
    ----------
    path : str
        Of a format in :mod:`lrbound.data`.
    shape : tuple of int
        Of one sample. A sample with as many numbers in another shape is reshaped.

    Returns
    -------
    NDArray (n, *shape)

    Raises
    ------
    Refused
        Where the file cannot be read, or does not hold finite samples of this size.
    """
    samples = open_data(path)
    if not samples.shape or math.prod(samples.shape) != math.prod(shape):
        raise Refused(f"{path}: samples of shape {list(shape)} are needed, got {list(samples.shape)}")
    blocks = [np.asarray(block.x, dtype=np.float64).reshape(-1, *shape) for block in samples.blocks()]
    if not blocks:
        raise Refused(f"{path}: holds no samples")
    data: NDArray[np.float64] = np.concatenate(blocks)
    if not np.isfinite(data).all():
        raise Refused(f"{path}: some values are not finite")
    return data


def differences(data: NDArray[np.float64], law: Input) -> list[Notice]:
    """Say where the data's statistics are not those that the spec states, and how to state them."""
    if not data.any():
        return [Notice("LRB077", "the data is all zeros")]
    found = statistics(data)
    correlation = max(0.0, found.correlation or 0.0)
    far = abs(found.mean_square / law.mean_square - 1.0) > NOTABLE or abs(correlation - law.correlation) > NOTABLE
    if not far:
        return []
    text = (
        f"the data has mean_square {found.mean_square:.4g}, correlation {correlation:.3g}; the spec has "
        f"{law.mean_square:.4g} and {law.correlation:.3g}"
    )
    return [Notice("LRB076", text)]
