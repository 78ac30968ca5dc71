"""Trains cells in parallel processes and keeps what is finished."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import torch
from joblib import Parallel, delayed

from lrbound.empirical.build import plain_steps
from lrbound.empirical.fingerprint import cell_key, data_key
from lrbound.empirical.training import Cell, Run, train
from lrbound.errors import Refused

if TYPE_CHECKING:
    from lrbound.empirical.datasets import Dataset
    from lrbound.empirical.store import RunStore

Progress = Callable[[int, int], None]
"""Called with the number of runs done and the number expected in all, when either changes."""


def no_progress(done: int, expected: int) -> None:
    """Show nothing."""


class Runner:
    """Trains cells on one data set.

    joblib runs the processes. Inside ``with joblib.parallel_config(backend="dask"):`` (or any backend that yields
    results as they come, a cluster's too) and with ``jobs=None`` they run there.

    Parameters
    ----------
    data : Dataset
    store : RunStore
        Knows finished runs, and is given the new ones by this process as they come.
    device : str
    jobs : int, optional
        Processes; None leaves it to ``joblib.parallel_config``, which means one if nothing is set.
    """

    def __init__(self, data: Dataset, store: RunStore, *, device: str = "cpu", jobs: int | None = None) -> None:
        self.data = data
        self.store = store
        self._device = device
        self._jobs = jobs
        self._data_key = data_key(data)

    def run(self, cells: Sequence[Cell]) -> Iterator[tuple[int, Run]]:
        """Yield each cell's place in ``cells`` and its run: those that are kept first, the others as they finish."""
        for cell in cells:
            plain_steps(cell.network)
        keys = [cell_key(cell, self._data_key) for cell in cells]
        missing: list[int] = []
        for place, key in enumerate(keys):
            kept = self.store.get(key)
            if kept is None:
                missing.append(place)
            else:
                yield place, kept
        for place, run in self._train(cells, missing):
            self.store.add(keys[place], run)
            yield place, run

    def _train(self, cells: Sequence[Cell], places: Sequence[int]) -> Iterable[tuple[int, Run]]:
        if len(places) <= 1:  # not worth a process
            return ((place, train(cells[place], self.data, self._device)) for place in places)
        jobs = None if self._jobs is None else min(self._jobs, len(places))
        parallel = Parallel(n_jobs=jobs, return_as="generator_unordered")
        tasks = (delayed(_train_at)(place, cells[place], self.data, self._device) for place in places)
        with _no_interrupts_for_workers():  # they start with the first tasks
            results: Iterable[tuple[int, Run]] = parallel(tasks)
        return results


@contextlib.contextmanager
def _no_interrupts_for_workers() -> Iterator[None]:
    """Let the processes that start meanwhile ignore an interrupt: it is for this one alone, which ends the others."""
    if threading.current_thread() is not threading.main_thread():  # it gets none
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _train_at(place: int, cell: Cell, data: Dataset, device: str) -> tuple[int, Run]:
    return place, train(cell, data, device)


def check_device(device: str) -> None:
    """Raise Refused where torch cannot compute on a device."""
    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise Refused(f"--device {device}: {reason}") from error
