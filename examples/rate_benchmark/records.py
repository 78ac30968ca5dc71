"""Results in files of JSON lines, one for each split, so that the held-out ones are not seen by accident."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rate_benchmark.cells import Cell

Record = dict[str, Any]


class Records:
    """Measured cells by key and seed.

    Parameters
    ----------
    folder : Path
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, split: str, kind: str = "cells") -> dict[tuple[Any, ...], Record]:
        """Return the records of a split: ``cells`` by (key, seed), ``recommended`` by (key, seed, rate)."""
        return {_identity(record): record for record in self._lines(split, kind)}

    def add(self, cell: Cell, record: Record, kind: str = "cells") -> None:
        """Append a record to the file of the cell's split."""
        self._folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"key": cell.key, "name": cell.name, **record}, separators=(",", ":"))
        with self._path(cell.split, kind).open("a", encoding="utf-8") as file:
            file.write(text + "\n")

    def _path(self, split: str, kind: str) -> Path:
        return self._folder / f"{split}.jsonl" if kind == "cells" else self._folder / f"{split}-{kind}.jsonl"

    def _lines(self, split: str, kind: str) -> Iterator[Record]:
        path = self._path(split, kind)
        for line in path.read_text("utf-8").splitlines() if path.exists() else ():
            try:
                yield json.loads(line)
            except ValueError:  # cut off by a crash; measured again
                continue


def _identity(record: Record) -> tuple[Any, ...]:
    rate = (record["rate"],) if "rate" in record else ()
    return (record["key"], record["seed"], *rate)
