# ruff: noqa: INP001 - a script
"""The picture of README.md: predictions against random networks, and against real training.

    python examples/overview.py        draws examples/overview.svg from the kept results, in half a minute

Left: lambda_max of every spec in examples/zoo, predicted and measured (examples/results/accuracy). Right: the largest
stable rate of a dense network over gamma, with and without batch norm, and the rates at which real training diverged
(examples/results/boundary).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import accuracy
import boundaries
import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

import lrbound

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HERE = Path(__file__).parent
PICTURE = HERE / "overview.svg"
GAMMAS = (0.1, 0.5, 1.0, 2.0, 4.0)
BLUE, ORANGE = "#0072b2", "#d55e00"


def networks(axes: Axes) -> None:
    """Draw measured over predicted lambda_max, with the spread of single initialisations."""
    measurements = accuracy.compare(
        sorted(accuracy.ZOO.glob("*.yaml")), accuracy.RESULTS, accuracy.SEEDS, accuracy.SEED
    )
    predicted = np.array([m.prediction.lambda_max for m in measurements])
    measured = np.array([m.mean for m in measurements])
    spread = np.array([[m.mean - min(m.values), max(m.values) - m.mean] for m in measurements]).T
    ends = [0.5 * measured.min(), 2.0 * measured.max()]
    axes.plot(ends, ends, color="0.6", lw=1.0, zorder=1)
    axes.errorbar(predicted, measured, spread, fmt="o", ms=3.5, color=BLUE, ecolor="0.7", elinewidth=1.0)
    axes.set(
        xscale="log",
        yscale="log",
        xlabel=r"predicted $\lambda_{\max}$",
        ylabel=r"measured $\lambda_{\max}$",
        title=f"{len(measurements)} networks at initialisation",
    )


def training(axes: Axes) -> None:
    """Draw the predicted largest rate over gamma, and the rates at which training diverged."""
    steps = np.geomspace(GAMMAS[0], GAMMAS[-1], 40)
    for label, colour, block, cells in (
        ("with batch norm", BLUE, "{{batch_norm: {{gamma: {}}}}}, relu", [f"bn-gamma{g:g}" for g in GAMMAS]),
        ("without", ORANGE, "relu", ["relu"]),
    ):
        rates = [_rate(block.format(gamma)) for gamma in steps]
        axes.plot(steps, rates, color=colour, label=f"predicted, {label}")
        diverged = [
            json.loads((boundaries.RESULTS / f"{cell}-b128-mu0.9.json").read_text())["boundary"] for cell in cells
        ]
        values = [entry["learning_rate"] for entry in diverged]
        if len(cells) == 1:
            axes.axhline(values[0], color=colour, ls=":", label=f"training diverges, {label}")
        else:
            axes.plot(GAMMAS, values, "o", color=colour, ms=5, label=f"training diverges, {label}")
    axes.set(
        xscale="log", yscale="log", xlabel="gamma", ylabel="learning rate", title="dense network, digits, momentum 0.9"
    )
    axes.set_xticks(GAMMAS, [f"{gamma:g}" for gamma in GAMMAS])
    axes.minorticks_off()
    axes.legend(frameon=False, fontsize=8)


def _rate(block: str) -> float | None:
    text = boundaries.spec("overview", boundaries.DENSE, block)
    network = lrbound.parse(
        text.replace("{optimizer: {name: sgd}}", "{batch_size: 128, optimizer: {name: sgd, momentum: 0.9}}")
    )
    return lrbound.predict(network).max_learning_rate


def main() -> None:
    """Draw both panels; the file is the same on every run."""
    mpl.rcParams["svg.hashsalt"] = "overview"
    figure = Figure(figsize=(9.0, 3.8), layout="constrained")
    for draw, axes in zip((networks, training), figure.subplots(1, 2), strict=True):
        draw(axes)
        axes.grid(which="major", color="0.9", lw=0.8)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(PICTURE, metadata={"Date": None})


if __name__ == "__main__":
    main()
