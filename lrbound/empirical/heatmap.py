"""The heat map of a grid: colour is the final loss, white where training exploded, lines are the predictions.

Cells where the network collapsed to constant outputs are hatched: their loss says little.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.colors import ListedColormap, LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.collections import QuadMesh
    from numpy.typing import NDArray

    from lrbound.empirical.results import Grid

COLOURS = "viridis"
LINES = (
    ("max_learning_rate", "max_learning_rate", "#e4002b", "-"),
    ("curvature", "bounds.curvature", "#000000", "--"),
    ("published", "published formula, 2019", "#c94fb5", "-."),
)


def save_heatmap(grid: Grid, path: str | os.PathLike[str]) -> None:
    """Draw one grid into a file; its suffix says the format."""
    figure = Figure(figsize=(7.2, 4.8), layout="constrained", dpi=120)
    axes = figure.add_subplot()
    mesh = draw(axes, grid, loss_range([grid]))
    axes.set_title(f"{grid.name} on {grid.training.data}, {grid.training.steps} steps", fontsize=10)
    add_legend(figure, [axes])
    add_colour_bar(figure, mesh, [axes])
    figure.savefig(path)


def draw(axes: Axes, grid: Grid, limits: tuple[float, float]) -> QuadMesh:
    """Draw the cells and the lines of one grid.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    grid : Grid
    limits : (float, float)
        Losses at the two ends of the colours.

    Returns
    -------
    matplotlib.collections.QuadMesh
    """
    losses = np.array([[np.nan if v is None else v for v in row.losses] for row in grid.rows])
    values = np.array([row.value for row in grid.rows])
    logarithmic = bool((values > 0).all())
    axes.set(xscale="log", xlabel="learning rate", ylabel=grid.knob, facecolor="white")
    if logarithmic:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(10, (1.0, 2.0, 5.0)))
        _plain_numbers(axes.yaxis)
    mesh = axes.pcolormesh(
        _edges(np.array(grid.rates), logarithmic=True),
        _edges(values, logarithmic=logarithmic),
        np.ma.masked_invalid(losses),
        norm=LogNorm(*limits, clip=True),
        cmap=COLOURS,
        rasterized=True,
    )
    _hatch_collapsed(axes, grid, values, logarithmic=logarithmic)
    _draw_lines(axes, grid, values)
    axes.autoscale(enable=False)
    return mesh


def loss_range(grids: Sequence[Grid]) -> tuple[float, float]:
    """Return the colours' ends: the smallest finite loss and the largest, at most a factor of 10^4 apart."""
    losses = [loss for grid in grids for row in grid.rows for loss in row.losses if loss]
    low, high = (min(losses), max(losses)) if losses else (0.1, 1.0)
    return max(low, high * 1e-4), high if high > low else 2.0 * low


def add_legend(figure: Figure, axes: Sequence[Axes]) -> None:
    """Put one legend of all lines, and of the white cells, above the panels."""
    from matplotlib.patches import Patch

    handles = {label: line for panel in axes for line, label in zip(*panel.get_legend_handles_labels(), strict=True)}
    handles["training exploded"] = Patch(facecolor="white", edgecolor="0.5")
    handles["network collapsed"] = Patch(facecolor="0.9", edgecolor="0.6", hatch="xxxx")
    figure.legend(handles.values(), handles, loc="outside upper center", ncols=3, fontsize=9, frameon=False)


def add_colour_bar(figure: Figure, mesh: QuadMesh, axes: Sequence[Axes]) -> None:
    """Put the scale of the losses to the right of the panels."""
    bar = figure.colorbar(mesh, ax=list(axes), label="training loss at the end", pad=0.02)
    bar.ax.yaxis.set_major_locator(LogLocator(10, (1.0, 2.0, 5.0)))
    _plain_numbers(bar.ax.yaxis)


def _hatch_collapsed(axes: Axes, grid: Grid, values: NDArray[np.float64], *, logarithmic: bool) -> None:
    collapsed = [[d and v is not None for d, v in zip(r.diverged, r.losses, strict=True)] for r in grid.rows]
    axes.pcolor(
        _edges(np.array(grid.rates), logarithmic=True),
        _edges(values, logarithmic=logarithmic),
        np.ma.masked_equal(np.array(collapsed, dtype=float), 0.0),
        hatch="xxxx",
        facecolor="0.9",
        edgecolor="0.6",
        cmap=ListedColormap(["0.9"]),
        linewidth=0.0,
    )


def _plain_numbers(axis: Axis) -> None:
    axis.set_major_formatter(FuncFormatter(lambda value, _position: f"{value:g}"))
    axis.set_minor_locator(NullLocator())


def _draw_lines(axes: Axes, grid: Grid, values: NDArray[np.float64]) -> None:
    from matplotlib import patheffects

    halo = [patheffects.withStroke(linewidth=3.2, foreground="white")]
    low, high = axes.get_xlim()
    for name, label, colour, dashes in LINES:
        rates = [_line_rate(grid, index, name) for index in range(len(values))]
        if name == "curvature" and rates == [row.prediction.max_learning_rate for row in grid.rows]:
            continue  # a full batch: the same line
        if any(rate is not None for rate in rates):
            x = [np.nan if rate is None else rate for rate in rates]
            axes.plot(x, values, dashes, color=colour, lw=2.0, label=label, path_effects=halo)
    axes.set_xlim(low, high)


def _line_rate(grid: Grid, index: int, name: str) -> float | None:
    row = grid.rows[index]
    return {
        "max_learning_rate": row.prediction.max_learning_rate,
        "curvature": row.prediction.bounds.curvature,
        "published": row.published,
    }[name]


def _edges(centres: NDArray[np.float64], *, logarithmic: bool) -> NDArray[np.float64]:
    """Return the borders of cells around ``centres``."""
    at = np.log(centres) if logarithmic else centres
    if len(at) == 1:
        edges = np.array([at[0] - 0.5, at[0] + 0.5])
    else:
        middles = 0.5 * (at[1:] + at[:-1])
        edges = np.concatenate([[2 * at[0] - middles[0]], middles, [2 * at[-1] - middles[-1]]])
    return np.exp(edges) if logarithmic else edges
