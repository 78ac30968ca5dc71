"""Finished runs in a file, one line of JSON each, so that what was stopped can be continued."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from lrbound.empirical.training import Run

if TYPE_CHECKING:
    from collections.abc import Iterable

HEAD = {"lrbound": "runs", "version": 1}


class NotRunsError(ValueError):
    """The file is there and is none of ours."""


class RunStore:
    """Runs by their keys; with a path every new one is appended to the file at once.

    One process writes. A line cut off by a crash is dropped and its run done again.

    Parameters
    ----------
    path : path, optional
        The file; it is made with the first run.

    Raises
    ------
    NotRunsError
        Where the file at ``path`` holds something else.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        self.path = None if path is None else Path(path)
        self._runs: dict[str, Run] = {}
        if self.path is not None and self.path.exists():
            self._runs.update(_read(self.path))

    def __len__(self) -> int:
        """Return how many runs there are."""
        return len(self._runs)

    def get(self, key: str) -> Run | None:
        """Return the run of a key, or None."""
        return self._runs.get(key)

    def add(self, key: str, run: Run) -> None:
        """Keep a run."""
        self._runs[key] = run
        if self.path is not None:
            _append(self.path, {"key": key, **dataclasses.asdict(run)})


def _append(path: Path, record: dict[str, object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    new = not path.exists()
    with path.open("a+b") as file:
        lines: list[dict[str, object]] = [HEAD, record] if new else [record]
        size = file.seek(0, os.SEEK_END)
        if size:
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":  # the end of a line that a crash cut off
                file.write(b"\n")
        file.write("".join(json.dumps(line) + "\n" for line in lines).encode())


def _read(path: Path) -> Iterable[tuple[str, Run]]:
    head, *lines = path.read_text("utf-8", "replace").splitlines() or [""]
    if not _is_head(head):
        raise NotRunsError(f"{path}: is not a file of runs that lrbound wrote")
    for line in lines:
        try:
            record = json.loads(line)
            yield record.pop("key"), Run(**record)
        except (ValueError, TypeError, KeyError, AttributeError):
            continue


def _is_head(line: str) -> bool:
    try:
        return bool(json.loads(line) == HEAD)
    except ValueError:
        return False
