"""Headers of .npy arrays, read without numpy's evaluation of what a stranger wrote: sizes are bounded first."""

from __future__ import annotations

import ast
import math
from typing import TYPE_CHECKING, Any, NamedTuple

from lrbound.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO

    import numpy as np
    from numpy.typing import NDArray

MAGIC = b"\x93NUMPY"
LONGEST = 1 << 14
"""Bytes of a header; numpy's own limit for untrusted files is 10,000."""
NOT_NPY = "not an .npy array of numbers"


class Header(NamedTuple):
    """Shape, type and order of an array."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran: bool


def read_header(file: IO[bytes]) -> Header:
    """Return the header at the start of a file; raise Refused where there is none."""
    import numpy as np

    start = file.read(8)
    if not start.startswith(MAGIC) or len(start) < 8:
        raise Refused(NOT_NPY)
    width = 2 if start[6] == 1 else 4
    length = int.from_bytes(file.read(width), "little")
    if length > LONGEST:
        raise Refused(f"{NOT_NPY}: its header has {length} bytes, at most {LONGEST} are read")
    text = file.read(length)
    try:
        found = ast.literal_eval(text.decode("latin-1").strip())
        shape, fortran = tuple(found["shape"]), bool(found["fortran_order"])
        dtype = np.dtype(found["descr"]) if isinstance(found["descr"], str) else None
    except (SyntaxError, ValueError, TypeError, KeyError, RecursionError, MemoryError) as error:
        raise Refused(f"{NOT_NPY}: its header is broken") from error
    if dtype is None or dtype.kind not in "biuf":
        raise Refused(f"{NOT_NPY}: its type is {str(found['descr'])[:40]}")
    if not all(isinstance(size, int) and not isinstance(size, bool) and size >= 0 for size in shape):
        raise Refused(f"{NOT_NPY}: its header is broken")
    return Header(shape, dtype, fortran)


def read_rows(file: IO[bytes], header: Header, rows: int) -> Iterator[NDArray[Any]]:
    """Yield the array behind a header, ``rows`` samples at a time."""
    import numpy as np

    shape = header.shape[1:]
    size = math.prod(shape) * header.dtype.itemsize
    for start in range(0, header.shape[0], rows):
        count = min(rows, header.shape[0] - start)
        content = file.read(count * size)
        if len(content) != count * size:
            raise Refused("ends before its array does")
        yield np.frombuffer(content, header.dtype).reshape(count, *shape)
