"""Samples from a NumPy file."""

from __future__ import annotations

import math
import zipfile
from typing import TYPE_CHECKING

import numpy as np

from lrbound.errors import Refused

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lrbound.architecture import Input

ARRAY = "x"
"""Name of the array of an .npz file that holds the samples, where there are several."""
NOTABLE = 0.05
"""Difference in a statistic that is worth a word."""


def read_samples(path: str, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Read samples for a network.

    Parameters
    ----------
    path : str
        An ``.npy`` file, or an ``.npz`` file with one array or one that is called ``x``.
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
    try:
        with open(path, "rb") as file:
            content = np.load(file, allow_pickle=False)
            array = content if isinstance(content, np.ndarray) else content[_choose(path, list(content))]
            data = np.asarray(array, dtype=np.float64)
    except OSError as error:
        raise Refused(f"{path}: {error.strerror or error}") from error
    except (ValueError, TypeError, EOFError, zipfile.BadZipFile) as error:
        if isinstance(error, Refused):
            raise
        raise Refused(f"{path}: not an .npy or .npz file of numbers") from error
    if data.ndim < 2 or len(data) == 0 or data[0].size != math.prod(shape):
        raise Refused(f"{path}: samples of shape {list(shape)} are needed, got an array of shape {list(data.shape)}")
    if not np.isfinite(data).all():
        raise Refused(f"{path}: some values are not finite")
    return data.reshape(-1, *shape)


def _choose(path: str, names: list[str]) -> str:
    if ARRAY in names:
        return ARRAY
    if len(names) != 1:
        raise Refused(
            f"{path}: holds the arrays {', '.join(names) or '(none)'}; call the one with the samples {ARRAY!r}"
        )
    return names[0]


def differences(data: NDArray[np.float64], law: Input) -> list[str]:
    """Say where the data's statistics are not those that the spec states, and how to state them."""
    norms = float(np.square(data).sum())
    if norms == 0.0:
        return ["the data is all zeros"]
    mean_square = norms / data.size
    pairs = float(np.square(data.sum(axis=0)).sum()) - norms
    correlation = max(0.0, pairs / max(len(data) - 1, 1) / norms)
    far = abs(mean_square / law.mean_square - 1.0) > NOTABLE or abs(correlation - law.correlation) > NOTABLE
    if not far:
        return []
    text = (
        f"the data has mean_square {mean_square:.4g} and correlation {correlation:.4g}, the spec has "
        f"{law.mean_square:.4g} and {law.correlation:.4g}; predict for the data with "
        f"--set input.mean_square={mean_square:.4g} --set input.correlation={correlation:.4g}"
    )
    return [text]
