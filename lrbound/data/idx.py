"""IDX: the format of MNIST (``train-images-idx3-ubyte``), packed with gzip or not."""

from __future__ import annotations

import gzip
import math
import os
import zlib
from typing import IO, TYPE_CHECKING, Any

from lrbound.data.base import Block, DataFormat, Samples, Wanted, no_array, no_column, rows_at_a_time
from lrbound.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
MOST_AXES = 8


class Idx(DataFormat):
    """Big-endian numbers of a type and a shape that the file's head says; bytes are pixels."""

    endings = (".idx", "-ubyte", "-ubyte.gz", ".idx.gz")

    def recognises(self, path: str) -> bool:
        """Also take ``.idx3-ubyte`` and the like."""
        return super().recognises(path) or ".idx" in os.path.basename(path).lower()

    def open(self, path: str, wanted: Wanted) -> Samples:
        """Read the head."""
        no_array(wanted)
        no_column(wanted)
        try:
            with _opened(path) as file:
                dtype, shape = _head(file)
        except (gzip.BadGzipFile, zlib.error, EOFError) as error:
            raise Refused("not a gzip file") from error
        rows = rows_at_a_time(shape[1:])

        def blocks() -> Iterator[Block]:
            try:
                with _opened(path) as file:
                    _head(file)
                    yield from (Block(part) for part in _parts(file, dtype, shape, rows))
            except (gzip.BadGzipFile, zlib.error, EOFError) as error:
                raise Refused("not a gzip file") from error

        return Samples(path, _image(shape[1:]), blocks, bytes_=dtype == ">u1" and len(shape) > 1)


def _opened(path: str) -> IO[bytes]:
    return gzip.open(path, "rb") if path.endswith(".gz") else open(path, "rb")  # type: ignore[return-value]


def _image(shape: tuple[int, ...]) -> tuple[int, ...]:
    return (1, *shape) if len(shape) == 2 else shape


def _head(file: IO[bytes]) -> tuple[str, tuple[int, ...]]:
    start = file.read(4)
    if len(start) < 4 or start[:2] != b"\0\0" or start[2] not in TYPES or not 1 <= start[3] <= MOST_AXES:
        raise Refused("not an IDX file")
    sizes = file.read(4 * start[3])
    if len(sizes) < 4 * start[3]:
        raise Refused("not an IDX file")
    shape = tuple(int.from_bytes(sizes[at : at + 4], "big") for at in range(0, len(sizes), 4))
    if 0 in shape:
        raise Refused(f"samples are needed, got an array of shape {list(shape)}")
    return TYPES[start[2]], shape


def _parts(file: IO[bytes], dtype: str, shape: tuple[int, ...], rows: int) -> Iterator[NDArray[Any]]:
    import numpy as np

    size = math.prod(shape[1:]) * np.dtype(dtype).itemsize
    for start in range(0, shape[0], rows):
        count = min(rows, shape[0] - start)
        content = file.read(count * size)
        if len(content) < count * size:
            raise Refused("ends before its array does")
        yield np.frombuffer(content, dtype).reshape(count, *_image(shape[1:]))
