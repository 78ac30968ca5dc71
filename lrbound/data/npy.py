"""``.npy``: one NumPy array, samples along the first axis."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal

from lrbound.data._numpy_header import read_header
from lrbound.data.base import Block, DataFormat, Samples, Wanted, no_array, no_column, rows_at_a_time
from lrbound.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator


class Npy(DataFormat):
    """A NumPy array; objects (pickles) are refused."""

    endings = (".npy",)

    def open(self, path: str, wanted: Wanted) -> Samples:
        """Map the array into memory; nothing is read before it is asked for."""
        import numpy as np

        no_array(wanted)
        no_column(wanted)
        with open(path, "rb") as file:
            header, offset = read_header(file), file.tell()
        rows = rows_at_a_time(header.shape[1:])
        if not header.shape or 0 in header.shape:
            raise Refused(f"samples by features are needed, got an array of shape {list(header.shape)}")
        expected = header.dtype.itemsize
        for size in header.shape:
            expected *= size
        if os.path.getsize(path) - offset < expected:
            raise Refused("ends before its array does")

        def blocks() -> Iterator[Block]:
            order: Literal["F", "C"] = "F" if header.fortran else "C"
            array = np.memmap(path, header.dtype, "r", offset, header.shape, order)
            for start in range(0, len(array), rows):
                yield Block(np.asarray(array[start : start + rows]))

        return Samples(path, header.shape[1:], blocks)
