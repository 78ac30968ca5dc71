"""The text of a training boundary."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrbound.report import _words as words
from lrbound.report._table import table

if TYPE_CHECKING:
    from lrbound.empirical.results import BoundaryResult, Grid, TrainedOn
    from lrbound.report.base import Terminal

MEANING = (
    "A run diverged if its loss is no longer finite, ends above twice its initial value, or grew above it and ends "
    "at that of a constant: the network has collapsed."
)
ONSET = (
    "From the onset on the loss more than doubles in one of the first 20 steps; networks come back from that up to "
    "the boundary."
)


def title(name: str, training: TrainedOn) -> str:
    """Return what was trained on what."""
    seeds = len(training.seeds)
    return (
        f"{name}, trained on {training.data} ({words.count(training.samples)} samples), {training.steps} steps, "
        f"{seeds} seed{'s' * (seeds != 1)}"
    )


def answer(result: BoundaryResult) -> list[str]:
    """Return the lines that compare the boundary with the prediction."""
    p = result.prediction
    return [
        title(p.name, result.training),
        "",
        f"training diverges from   {words.number(result.learning_rate)} ({', '.join(map(words.number, result.values))})",
        f"loss first grows from    {words.number(result.onset)}",
        f"max learning rate        {words.rate(p.max_learning_rate)} ({words.bound_words(p)})",
        f"bound, curvature         {words.rate(p.bounds.curvature)} ({words.CURVATURE})",
        f"boundary / max           {_ratio(result.ratio)}",
        f"boundary / curvature     {_ratio(result.ratio_curvature)}",
    ]


def explanation() -> tuple[str, ...]:
    """Return what the words of the answer mean."""
    return MEANING, ONSET


def sweep_table(grid: Grid, terminal: Terminal) -> str:
    """Return a row for each value of the knob."""
    titles = (grid.knob, "diverges from", "max rate", "boundary/max", "curvature", "boundary/curvature")
    rows = []
    for row, point in zip(grid.rows, grid.to_json()["points"], strict=True):
        p = row.prediction
        rows.append(
            (
                words.number(row.value),
                words.number(point["boundary"]),
                words.rate(p.max_learning_rate),
                _ratio(point["ratio"]),
                words.rate(p.bounds.curvature),
                _ratio(point["ratio_curvature"]),
            )
        )
    return table(titles, rows, 1, terminal)


def _ratio(value: float | None) -> str:
    return words.NONE if value is None else f"{value:.2f}"
