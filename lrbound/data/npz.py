"""``.npz``: a zip file of NumPy arrays; the samples are ``x``, or the only array."""

from __future__ import annotations

import zipfile
import zlib
from typing import TYPE_CHECKING, Any

from lrbound.data._numpy_header import Header, read_header, read_rows
from lrbound.data.base import Block, DataFormat, Samples, Wanted, rows_at_a_time
from lrbound.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

ARRAY = "x"
BROKEN = (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError)


class Npz(DataFormat):
    """Arrays by name, decompressed block by block; ``--targets NAME`` takes another array of the file."""

    endings = (".npz",)

    def open(self, path: str, wanted: Wanted) -> Samples:
        """Read the headers of the arrays that are asked for."""
        try:
            with zipfile.ZipFile(path) as archive:
                names = [name.removesuffix(".npy") for name in archive.namelist()]
                chosen = _choose(names, wanted)
                header = self._header(archive, chosen)
                targets = None if wanted.column is None else self._targets(archive, names, wanted.column, header)
        except BROKEN as error:
            raise Refused("not an .npz file of NumPy arrays") from error
        rows = rows_at_a_time(header.shape[1:])

        def blocks() -> Iterator[Block]:
            try:
                with zipfile.ZipFile(path) as archive, archive.open(chosen + ".npy") as file:
                    read_header(file)
                    for at, part in enumerate(read_rows(file, header, rows)):
                        own = None if targets is None else targets[at * rows : at * rows + len(part)]
                        yield Block(part, own)
            except BROKEN as error:
                raise Refused("not an .npz file of NumPy arrays") from error

        return Samples(path, header.shape[1:], blocks)

    @staticmethod
    def _header(archive: zipfile.ZipFile, name: str) -> Header:
        if name + ".npy" not in archive.namelist():
            raise Refused(f"{name} in it is no .npy array")
        with archive.open(name + ".npy") as file:
            header = read_header(file)
        if not header.shape or 0 in header.shape:
            raise Refused(f"samples by features are needed, got an array of shape {list(header.shape)}")
        if header.fortran and len(header.shape) > 1:
            raise Refused(f"{name} is stored in Fortran order; write it with numpy.ascontiguousarray")
        return header

    def _targets(self, archive: zipfile.ZipFile, names: list[str], column: str, samples: Header) -> NDArray[Any]:
        import numpy as np

        if column not in names:
            raise Refused(f"holds no array {column!r} for --targets; it has {', '.join(names)}")
        header = self._header(archive, column)
        if header.shape[0] != samples.shape[0]:
            raise Refused(f"{column} has {header.shape[0]} targets for {samples.shape[0]} samples")
        rows = rows_at_a_time(header.shape[1:])
        with archive.open(column + ".npy") as file:
            read_header(file)
            return np.concatenate(list(read_rows(file, header, rows)))


def _choose(names: list[str], wanted: Wanted) -> str:
    if wanted.array is None and len(names) == 1:
        return names[0]
    name = wanted.array or ARRAY
    if name not in names:
        what = f"no array {name!r}" if wanted.array else f"several arrays and none is called {ARRAY!r}"
        raise Refused(f"holds {what}; choose one with --array: {', '.join(names) or 'there is none'}")
    return name
