"""Standard streams that may be closed, full, or without a reader: none of these changes what the exit status says."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


class NotWrittenError(Exception):
    """The result could not be written: a full disk, for example."""


class _Stream:
    """A text stream that does as ``inner`` does, but for what happens where writing fails."""

    def __init__(self, inner: IO[str]) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def write(self, text: str) -> int:
        """Write ``text`` and return its length."""
        self._try(self._inner.write, text)
        return len(text)

    def flush(self) -> None:
        """Hand on what was written."""
        self._try(self._inner.flush)

    def _try(self, act: Any, *arguments: str) -> None:
        try:
            act(*arguments)
        except OSError as error:
            self._failed(error)

    def _failed(self, error: OSError) -> None:
        raise NotImplementedError

    def _write_nowhere(self) -> None:
        """Turn the file to where nothing fails: the interpreter flushes it once more when it exits."""
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._inner.fileno())


class _Result(_Stream):
    """Standard output: a reader that has gone away is no error, a full disk is, at this write and all that follow."""

    _full: OSError | None = None

    def _try(self, act: Any, *arguments: str) -> None:
        super()._try(act, *arguments)
        if self._full is not None:
            raise NotWrittenError(self._full.strerror or str(self._full)) from self._full

    def _failed(self, error: OSError) -> None:
        self._write_nowhere()
        if not isinstance(error, BrokenPipeError):
            self._full = error


class _Remarks(_Stream):
    """Standard error: there is nowhere left to say that it cannot be written."""

    def _failed(self, error: OSError) -> None:
        del error
        self._write_nowhere()


def open_closed() -> None:
    """Open the standard streams that the caller closed on nothing, so that no file opened later takes their place."""
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        if getattr(sys, name) is None:
            opened = open(os.devnull, mode, encoding="utf-8")  # noqa: SIM115 - open until the process ends
            if opened.fileno() != number:
                os.dup2(opened.fileno(), number)
            setattr(sys, name, opened)


@contextlib.contextmanager
def guarded() -> Iterator[None]:
    """Run with streams that fail as said above; raise NotWrittenError where the result cannot be written."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = _Result(before[0]), _Remarks(before[1])
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
