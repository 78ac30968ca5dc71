"""The text of a sweep: a table, and a picture of the rate where there is a curve."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrbound.report import _words as words
from lrbound.report._plot import MARKS, plot
from lrbound.report._table import table

if TYPE_CHECKING:
    from lrbound.explore.ranges import Value
    from lrbound.explore.sweep import Point, Sweep
    from lrbound.report.base import Terminal

MOST_ROWS = 60
ENDS = 20
FEWEST_FOR_CURVE = 3
PLOTTED = 400
"""Points of a curve that are drawn; more would not be seen."""


def sweep_table(result: Sweep, terminal: Terminal) -> str:
    """Return the points, those in the middle left out where there are many."""
    many = len(result.specs) > 1
    titles = (*(["name"] if many else []), *result.knobs, "lambda_max", "max learning rate", "recommended")
    hidden = max(len(result.points) - 2 * ENDS, 0) if len(result.points) > MOST_ROWS else 0
    points = result.points[:ENDS] + result.points[-ENDS:] if hidden else result.points
    rows = [_cells(point, many=many) for point in points]
    if hidden:
        rows.insert(ENDS, ("...", *("" for _ in titles[1:])))
    shown = table(titles, rows, int(many), terminal)
    return f"{shown}\n({words.count(hidden)} rows hidden; --format csv has all)" if hidden else shown


def sweep_plot(result: Sweep, terminal: Terminal) -> list[str]:
    """Return the largest stable rate against the first knob; nothing where there is no curve, or too many."""
    curves = {_label(result, *key): _curve(points) for key, points in result.lines().items()}
    if len(curves) > len(MARKS) or min(map(len, curves.values())) < FEWEST_FOR_CURVE:
        return []
    logarithmic = result.logarithmic and all(x > 0 for curve in curves.values() for x, _ in curve)
    return plot(f"max learning rate against {result.knobs[0]}", curves, terminal, logarithmic=logarithmic)


def _label(result: Sweep, spec: str, second: Value | None) -> str:
    knob = "" if second is None else f"{result.knobs[1]}={show(second)}"
    return " ".join(part for part in (spec if len(result.specs) > 1 or not knob else "", knob) if part)


def _curve(points: list[Point]) -> list[tuple[float, float]]:
    step = max(len(points) // PLOTTED, 1)
    return [
        (point.values[0], rate)
        for point in [*points[:-1:step], points[-1]]
        if not isinstance(point.values[0], str)
        and (rate := point.answer.max_learning_rate) is not None
        and 0.0 < rate < float("inf")
    ]


def _cells(point: Point, *, many: bool) -> tuple[str, ...]:
    largest, *rates = point.answer
    numbers = (words.number(largest), *map(words.rate, rates))
    return (*([point.spec] if many else []), *map(show, point.values), *numbers)


def show(value: Value) -> str:
    """Return a knob's value for people."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
