"""From a path to samples: the format that recognises it, and the normalisation of images."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from lrbound.data import DATA_FORMATS
from lrbound.data.base import BYTE, Block, Samples, Wanted
from lrbound.errors import Refused

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Normalisation(NamedTuple):
    """``torchvision.transforms.Normalize``: mean and standard deviation of each channel, after pixels were scaled to [0, 1]."""

    mean: tuple[float, ...]
    std: tuple[float, ...]


def open_data(path: str, wanted: Wanted | None = None, normalisation: Normalisation | None = None) -> Samples:
    """Return the samples of a file or folder, read block by block.

    Parameters
    ----------
    path : str
        Of one of the formats in :mod:`lrbound.data`.
    wanted : Wanted, optional
        Which part of it.
    normalisation : Normalisation, optional
        Applied to images (bytes are scaled to [0, 1] with or without it).

    Raises
    ------
    Refused
        With a sentence for the user that begins with the path; also while the blocks are read.
    """
    formats = [DATA_FORMATS.get(name)() for name in DATA_FORMATS.names()]
    chosen = next((one for one in formats if one.recognises(path)), None)
    if chosen is None:
        endings = sorted(ending for one in formats for ending in one.endings)
        raise Refused(f"{path}: not a file that is known by its name ({', '.join(endings)}) nor a folder of images")
    with _named(path):
        found = chosen.open(path, wanted or Wanted())
        way = _scaling(found, normalisation)
    return replace(found, blocks=lambda: _read(path, found, way), bytes_=False)


Way = Callable[["NDArray[Any]"], "NDArray[Any]"]


class _named:  # noqa: N801 - a context manager that reads as a word
    """Put the path before the messages of what happens inside."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __enter__(self) -> None:
        """Do nothing."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Turn errors into one sentence."""
        if isinstance(error, Refused):
            raise Refused(f"{self._path}: {error}") from error.__cause__
        if isinstance(error, OSError):
            raise Refused(f"{self._path}: cannot be read: {error.strerror or error}") from None
        if isinstance(error, ValueError) and "null" in str(error):  # a NUL in the path
            raise Refused(f"{self._path!r}: cannot be read: not a file name") from None


def _read(path: str, samples: Samples, way: Way) -> Iterator[Block]:
    with _named(path):
        for block in samples.blocks():
            yield Block(way(block.x), block.labels)


def _scaling(samples: Samples, normalisation: Normalisation | None) -> Way:
    import numpy as np

    if normalisation is None:
        return (lambda x: x / BYTE) if samples.bytes_ else (lambda x: x)
    if len(samples.shape) != 3:
        raise Refused(
            f"--mean and --std are for images, [channels, height, width]; got samples of {list(samples.shape)}"
        )
    channels = samples.shape[0]
    for name, numbers in zip(("--mean", "--std"), normalisation, strict=True):
        if len(numbers) not in (1, channels):
            raise Refused(f"{name} has {len(numbers)} numbers for {channels} channels")
    mean, std = (np.array(numbers).reshape(-1, 1, 1) for numbers in normalisation)

    def scaled(x: NDArray[Any]) -> NDArray[Any]:
        pixels = x / BYTE if x.dtype == np.uint8 else x
        return (pixels - mean) / std

    return scaled
