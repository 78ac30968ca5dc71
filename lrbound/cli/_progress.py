"""A bar with the estimated time, on stderr, only where that is a terminal, and only of what takes longer than a while."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATIENCE = 2.0
"""Seconds that nobody wants to hear of."""


@contextlib.contextmanager
def progress_bar(title: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar while the block runs; the function it gets takes what is done and what is expected in all."""
    if not sys.stderr.isatty():
        yield lambda _done, _expected: None
        return
    late = _Late(title)
    try:
        yield late.update
    finally:
        late.stop()


class _Late:
    """A bar that appears when its time has come; rich, which takes as long to import as a prediction, is needed only then."""

    def __init__(self, title: str) -> None:
        from threading import Lock, Timer

        self._title = title
        self._state: tuple[int, int | None] = (0, None)
        self._bar: Any = None
        self._task: Any = None
        self._over = False
        self._lock = Lock()
        self._timer = Timer(PATIENCE, self._appear)
        self._timer.daemon = True
        self._timer.start()

    def update(self, done: int, expected: int) -> None:
        """Say how far it is."""
        with self._lock:
            self._state = (done, expected)
            if self._bar is not None:
                self._bar.update(self._task, completed=done, total=expected)

    def stop(self) -> None:
        """Take the bar away."""
        self._timer.cancel()
        with self._lock:
            self._over = True
            if self._bar is not None:
                self._bar.stop()

    def _appear(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with self._lock:
            if self._over:
                return
            self._bar = Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=False)
            done, expected = self._state
            self._task = self._bar.add_task(self._title, completed=done, total=expected)
            self._bar.start()
