"""CIFAR's binary batches: ``data_batch_1.bin``, or the folder that holds them (``cifar-10-batches-bin``)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from lrbound.data.base import Block, DataFormat, Samples, Wanted, no_array, no_column
from lrbound.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

SHAPE = (3, 32, 32)
PIXELS = 3 * 32 * 32
ROWS = 256


class Cifar(DataFormat):
    """Records of one label byte (CIFAR-10) or two (CIFAR-100, the second is the class) and 3072 pixels."""

    endings = (".bin",)

    def recognises(self, path: str) -> bool:
        """Also take a folder with training batches."""
        return super().recognises(path) or (os.path.isdir(path) and bool(_batches(path)))

    def open(self, path: str, wanted: Wanted) -> Samples:
        """Look at the sizes of the files."""
        no_array(wanted)
        no_column(wanted)
        files = [os.path.join(path, name) for name in _batches(path)] if os.path.isdir(path) else [path]
        sizes = [os.path.getsize(file) for file in files]
        labels = next((n for n in (1, 2) if all(size and size % (PIXELS + n) == 0 for size in sizes)), None)
        if labels is None:
            raise Refused(f"not a binary batch of CIFAR: its size is no multiple of {PIXELS + 1} or {PIXELS + 2} bytes")
        return Samples(path, SHAPE, lambda: _blocks(files, labels), bytes_=True)


def _batches(path: str) -> list[str]:
    names = sorted(os.listdir(path))
    return [name for name in names if name.endswith(".bin") and name.startswith(("data_batch", "train"))]


def _blocks(files: list[str], labels: int) -> Iterator[Block]:
    import numpy as np

    for name in files:
        with open(name, "rb") as file:
            while content := file.read(ROWS * (PIXELS + labels)):
                records = np.frombuffer(content, np.uint8)
                if len(records) % (PIXELS + labels):
                    raise Refused("ends within a record")
                records = records.reshape(-1, PIXELS + labels)
                yield Block(records[:, labels:].reshape(-1, *SHAPE), records[:, labels - 1])
