"""The rate at which training diverges, found by bisection over seeds."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from lrbound.empirical.data_file import differences
from lrbound.empirical.divergence import FIRST_STEPS
from lrbound.empirical.results import BoundaryResult, TrainedOn
from lrbound.empirical.runner import Progress, Runner, no_progress
from lrbound.empirical.search import Bisection
from lrbound.empirical.training import Cell, Run, default_steps
from lrbound.notices import Notice

if TYPE_CHECKING:
    from lrbound.empirical.datasets import Dataset
    from lrbound.network import Network
    from lrbound.prediction import Prediction

START = 0.01
"""Where to begin without a prediction."""


def find_boundary(
    network: Network,
    prediction: Prediction,
    runner: Runner,
    *,
    seeds: Sequence[int] = (0, 1),
    steps: int | None = None,
    progress: Progress = no_progress,
) -> BoundaryResult:
    """Train at several rates and return the one from which on training diverges.

    Each seed (of the weights and the batches) has its own bisection, which begins at the power of 2 next to the prediction and ends where
    the bracket's ends are within 5 %. What counts as diverged is said in :mod:`lrbound.empirical.divergence`; the
    onset, the rate from which the loss grows in the first 20 steps, is bisected the same way with runs that short.

    Parameters
    ----------
    network : Network
    prediction : Prediction
        From :func:`lrbound.predict` of this network.
    runner : Runner
        With the data.
    seeds : sequence of int
    steps : int, optional
        Of each run; 200 for a full batch and 400 for minibatches if absent.
    progress : callable
        Told how many runs are done, and how many it will be.

    Returns
    -------
    BoundaryResult
    """
    steps = steps or default_steps(network)
    start = _start(prediction)
    ends = [Bisection(start) for _ in seeds]
    onsets = [Bisection(start) for _ in seeds]
    tasks = [
        *((search, seed, steps, _diverged) for search, seed in zip(ends, seeds, strict=True)),
        *((search, seed, min(steps, FIRST_STEPS), _grew) for search, seed in zip(onsets, seeds, strict=True)),
    ]
    _search(network, runner, tasks, progress)
    values = tuple(search.value for search in ends)
    median, onset = _median(values), _median([search.value for search in onsets])
    warnings = [
        *differences(runner.data.x.astype(np.float64), network.input),
        *_batch(network, runner.data),
        *_missing("boundary.learning_rate", median, ends, "diverged", network),
        *_missing("boundary.onset", onset, onsets, "grew at once", network),
    ]
    trained_on = TrainedOn(runner.data.name, len(runner.data), steps, tuple(seeds))
    return BoundaryResult(prediction, trained_on, median, values, onset, tuple(warnings))


def _start(prediction: Prediction) -> float:
    """Return the power of 2 nearest to the prediction.

    All rates that are tried are then fixed points of a lattice, so runs are found again after the prediction changed.
    """
    rate = prediction.max_learning_rate or prediction.bounds.curvature or START
    return 2.0 ** round(math.log2(rate))


Task = tuple[Bisection, int, int, Callable[[Run], bool]]
"""A bisection with the seed and the steps of its runs, and what it asks of them."""


def _search(network: Network, runner: Runner, tasks: Sequence[Task], progress: Progress) -> None:
    """Ask all bisections for a rate, train at these rates in parallel, and again until all have ended."""
    done = 0
    while pending := [(task, rate) for task in tasks if (rate := task[0].next_rate) is not None]:
        cells = [Cell(network, rate, seed, steps) for (_, seed, steps, _), rate in pending]
        for place, run in runner.run(cells):
            search, _, _, question = pending[place][0]
            search.tell(above=question(run))
            done += 1
            progress(done, done + sum(task[0].remaining for task in tasks))


def _diverged(run: Run) -> bool:
    return run.diverged


def _grew(run: Run) -> bool:
    return run.grew


def _median(values: Sequence[float | None]) -> float | None:
    """Return the median, where a seed without a value counts as infinite."""
    median = statistics.median(math.inf if value is None else value for value in values)
    return median if math.isfinite(median) else None


def _missing(
    name: str, value: float | None, searches: Sequence[Bisection], verb: str, network: Network
) -> list[Notice]:
    if value is not None:
        return []
    survived = [search.low for search in searches if search.low is not None]
    if not survived:
        smallest = min(search.high for search in searches if search.high is not None)
        text = f"{name} is null: training {verb} at every rate that was tried, down to {smallest:.4g}"
        return [Notice("LRB078", text)]
    text = f"{name} is null: no run {verb} up to {max(survived):.4g}, the largest rate that was tried"
    kind, diverges = network.training.loss.kind, network.training.loss.diverges
    wall = (
        [] if diverges else [Notice("LRB083", f"{kind} has no wall: training gets worse above the bound, not infinite")]
    )
    return [Notice("LRB079", text), *wall]


def _batch(network: Network, data: Dataset) -> list[Notice]:
    size = network.training.batch_size
    if size is None or size <= len(data):
        return []
    return [Notice("LRB080", f"the batch of {size} is larger than the {len(data)} samples: every step saw all of them")]
