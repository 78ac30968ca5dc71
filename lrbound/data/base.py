"""What every format of data is: a recogniser, and an opener that gives samples block by block."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from lrbound.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

BLOCK = 1 << 20
"""Numbers that are read at a time."""
MOST_NUMBERS = 1 << 28
"""Numbers of one sample: more are no sample that a network takes, and would not fit the memory."""
BYTE = 255.0
"""What 1.0 is in images of bytes, as torchvision's ``ToTensor`` has it."""


class Block(NamedTuple):
    """Some samples.

    Attributes
    ----------
    x : ndarray (n, *shape)
    labels : ndarray (n,), or None
        What the format knows of each sample beside: a class, or the column that was asked for.
    """

    x: NDArray[Any]
    labels: NDArray[Any] | None = None


@dataclass(frozen=True)
class Samples:
    """Samples of a file.

    Attributes
    ----------
    name : str
        What messages call them.
    shape : tuple of int
        Of one sample; empty for a list of numbers.
    blocks : callable
        Starts over and yields the blocks.
    bytes_ : bool
        Whether the numbers are the bytes of images, 0 to 255.
    """

    name: str
    shape: tuple[int, ...]
    blocks: Callable[[], Iterator[Block]]
    bytes_: bool = False


@dataclass(frozen=True)
class Wanted:
    """Which part of a file is asked for.

    Attributes
    ----------
    array : str or None
        Which array of a file with several.
    column : str or None
        Which column is the target and no feature.
    """

    array: str | None = None
    column: str | None = None


class DataFormat:
    """Base of the formats; the name of a format is the name of its module."""

    endings: ClassVar[tuple[str, ...]] = ()
    """Of the names of its files, in small letters."""

    def recognises(self, path: str) -> bool:
        """Say whether this format is to open ``path``, by its name."""
        return path.lower().endswith(self.endings)

    def open(self, path: str, wanted: Wanted) -> Samples:
        """Return the samples of a file.

        Raises
        ------
        Refused
            With what is wrong with the file, without its name.
        OSError
            Where it cannot be read.
        """
        raise NotImplementedError


def rows_at_a_time(shape: tuple[int, ...]) -> int:
    """Return how many samples make a block; raise Refused where one sample is larger than any network takes."""
    size = math.prod(shape)
    if size > MOST_NUMBERS:
        raise Refused(f"one sample has {size} numbers; at most {MOST_NUMBERS} are read")
    return max(1, BLOCK // max(size, 1))


def no_column(wanted: Wanted) -> None:
    """Raise Refused where a column is asked for and the format has none."""
    if wanted.column is not None:
        raise Refused(f"has no column {wanted.column!r}; --targets takes a file for this format")


def no_array(wanted: Wanted) -> None:
    """Raise Refused where an array is asked for and the format has no names."""
    if wanted.array is not None:
        raise Refused(f"has no array {wanted.array!r}; --array is for .npz files")
