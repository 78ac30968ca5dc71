"""The final loss over rates and one knob, as in Fig. 2 of Wei, Stokes and Schwab 2019."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lrbound.empirical.knobs import log_spaced
from lrbound.empirical.results import Grid, GridRow, TrainedOn
from lrbound.empirical.runner import Progress, Runner, no_progress
from lrbound.empirical.training import Cell, Run
from lrbound.errors import Refused
from lrbound.predictor import predict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrbound.network import Network
    from lrbound.prediction import Prediction

RATES = 20
BELOW, ABOVE = 12.0, 3.0
"""How far the rates go below the smallest prediction and above the largest, as ratios."""


@dataclass(frozen=True)
class Setting:
    """One value of the knob, the network that it makes, and its prediction."""

    value: float
    network: Network
    prediction: Prediction


def default_rates(settings: Sequence[Setting]) -> tuple[float, ...]:
    """Return 20 rates around the predictions; raise Refused where there are none."""
    bounds = [
        rate
        for setting in settings
        for rate in (setting.prediction.max_learning_rate, setting.prediction.bounds.curvature)
        if rate
    ]
    if not bounds:
        raise Refused("no rate is predicted for this network; give --rates LOW:HIGH:COUNT")
    return log_spaced(min(bounds) / BELOW, max(bounds) * ABOVE, RATES)


def run_grid(
    settings: Sequence[Setting],
    rates: Sequence[float],
    runner: Runner,
    *,
    knob: str,
    path: str,
    seeds: Sequence[int] = (0,),
    steps: int,
    progress: Progress = no_progress,
) -> Grid:
    """Train a network for every value of the knob, rate and seed.

    Parameters
    ----------
    settings : sequence of Setting
        From small to large values.
    rates : sequence of float
        From small to large.
    runner : Runner
        With the data, the same for all values; its store makes the grid resumable.
    knob, path : str
        The knob's name, and the path that it denotes.
    seeds : sequence of int
    steps : int
        Of each run.
    progress : callable
        Told how many cells are done, of how many.

    Returns
    -------
    Grid
    """
    cells = [Cell(s.network, rate, seed, steps) for s in settings for rate in rates for seed in seeds]
    runs: dict[int, Run] = {}
    for place, run in runner.run(cells):
        runs[place] = run
        progress(len(runs), len(cells))
    rows = []
    for index, setting in enumerate(settings):
        first = index * len(rates) * len(seeds)
        columns = [
            [runs[first + column * len(seeds) + seed] for seed in range(len(seeds))] for column in range(len(rates))
        ]
        rows.append(_row(setting, columns))
    trained_on = TrainedOn(runner.data.name, len(runner.data), steps, tuple(seeds))
    return Grid(settings[0].network.name, knob, path, tuple(rates), tuple(rows), trained_on)


def _row(setting: Setting, columns: Sequence[Sequence[Run]]) -> GridRow:
    return GridRow(
        setting.value,
        setting.prediction,
        _published(setting.network),
        tuple(_median(runs) for runs in columns),
        tuple(2 * sum(run.diverged for run in runs) >= len(runs) for runs in columns),
    )


def _median(runs: Sequence[Run]) -> float | None:
    median = statistics.median(math.inf if run.final is None else run.final for run in runs)
    return median if math.isfinite(median) else None


def _published(network: Network) -> float | None:
    try:
        return predict(network, method="wei2019").max_learning_rate
    except Refused:
        return None
