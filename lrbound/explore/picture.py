"""The picture of a sweep: lambda_max and the largest stable rate against the first knob."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib import colormaps
from matplotlib.figure import Figure

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from lrbound.explore.ranges import Value
    from lrbound.explore.sweep import Point, Sweep

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Okabe and Ito's, distinguishable for almost everyone."""
DASHES = ("-", "--", "-.", ":")
MOST_IN_LEGEND = 12
PANELS = (("lambda_max", r"$\lambda_{\max}$"), ("max_learning_rate", "largest stable learning rate"))


def save_picture(result: Sweep, path: str | os.PathLike[str]) -> None:
    """Draw a sweep into a file; its suffix says the format."""
    figure = Figure(figsize=(8.0, 3.6), layout="constrained", dpi=150)
    axes = figure.subplots(1, len(PANELS), gridspec_kw={"wspace": 0.08})
    for panel, (quantity, label) in zip(axes, PANELS, strict=True):
        draw(panel, result, quantity)
        panel.set_ylabel(label)
    handles, labels = axes[0].get_legend_handles_labels()
    if 1 < len(labels) <= MOST_IN_LEGEND:
        figure.legend(handles, labels, loc="outside upper center", ncols=min(len(labels), 4), frameon=False, fontsize=9)
    elif len(labels) == 1:
        figure.suptitle(labels[0], fontsize=10)
    figure.savefig(path)


def draw(axes: Axes, result: Sweep, quantity: str) -> None:
    """Draw one quantity of all specs: a colour a spec, or a colour a value of the second knob and dashes a spec."""
    lines = result.lines()
    seconds = list(dict.fromkeys(second for _, second in lines))
    single = len(seconds) == 1
    colours = _colours(result)
    for (spec, second), points in lines.items():
        at = result.specs.index(spec)
        colour = colours[spec] if single else _shade(seconds.index(second), len(seconds))
        dashes = ("--" if _is_flat(points) else "-") if single else DASHES[at % len(DASHES)]
        known = [(point.values[0], y) for point in points if (y := getattr(point.answer, quantity)) is not None]
        if any(isinstance(point.values[0], str) for point in points):
            dashes = ""  # there is nothing between words
        marker = "o" if len(known) < MOST_IN_LEGEND else None
        label = " ".join([*([spec] if single or len(result.specs) > 1 else []), *_second(result, second)])
        x, y = zip(*known, strict=True) if known else ((), ())
        axes.plot(_places(x), y, dashes, color=colour, lw=1.8, marker=marker, ms=3.5, label=label)
    axes.set(yscale="log", xlabel=result.knobs[0].rpartition(".")[2].replace("_", " "))
    if _is_logarithmic(result):
        axes.set_xscale("log")
        _plain_ticks(axes)
    axes.grid(which="major", color="0.9", lw=0.8)
    axes.spines[["top", "right"]].set_visible(False)


def _colours(result: Sweep) -> dict[str, str]:
    """Return the colour of each spec; one that does not have the knob takes that of the spec before it."""
    colours: dict[str, str] = {}
    at = -1
    for (spec, _), points in result.lines().items():
        if spec not in colours:
            at += at < 0 or not _is_flat(points)
            colours[spec] = COLOURS[at % len(COLOURS)]
    return colours


def _is_flat(points: Sequence[Point]) -> bool:
    """Whether the spec does not have the knob."""
    return len({point.answer for point in points}) == 1 < len(points)


def _second(result: Sweep, second: object) -> list[str]:
    return [] if second is None else [f"{result.knobs[1].rpartition('.')[2]} = {second}"]


def _shade(index: int, count: int) -> tuple[float, float, float, float]:
    shade: tuple[float, float, float, float] = colormaps["viridis"](0.9 * index / (count - 1))
    return shade


def _places(values: Sequence[Value]) -> Sequence[str] | Sequence[float]:
    # matplotlib takes words as categories, but only if all are words
    numbers = [value for value in values if not isinstance(value, str)]
    return numbers if len(numbers) == len(values) else [str(value) for value in values]


def _is_logarithmic(result: Sweep) -> bool:
    values = [point.values[0] for point in result.points]
    numbers = [value for value in values if not isinstance(value, str)]
    wide = min(numbers, default=0) > 0 and max(numbers) >= 10 * min(numbers)  # a list that spans a decade
    return len(numbers) == len(values) and wide if not result.logarithmic else min(numbers, default=0) > 0


def _plain_ticks(axes: Axes) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.xaxis.set_major_locator(LogLocator(10, (1.0, 2.0, 5.0), numticks=12))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
