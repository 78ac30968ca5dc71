# ruff: noqa: INP001 - a script
"""Fig. 2 of Wei, Stokes and Schwab 2019 on scikit-learn's digits: the loss over learning rate and gamma, and theory.

    python examples/fig2.py        about 8 minutes on two cores; stopped, it goes on where it was

A dense and a convolutional network with batch normalisation over gamma, and the same without it over the variance of
the weights. Writes fig2.png beside this file, and the cells in results/fig2/.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

import lrbound
from lrbound.empirical.datasets import load_data
from lrbound.empirical.grid import Setting, run_grid
from lrbound.empirical.grid_csv import to_csv
from lrbound.empirical.heatmap import add_colour_bar, add_legend, draw, loss_range
from lrbound.empirical.knobs import knob_path, log_spaced
from lrbound.empirical.runner import Runner
from lrbound.empirical.store import RunStore

if TYPE_CHECKING:
    from lrbound.empirical.results import Grid

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "fig2"
STEPS = 100
DENSE = "{linear: 300}, %s relu, {linear: 300}, %s relu, {linear: 300}, %s relu, {linear: 10}"
CONV = (
    "{conv2d: {channels: 30, kernel: 3, padding: 1, stride: 2}}, %s relu, "
    "{conv2d: {channels: 60, kernel: 3, padding: 1}}, %s relu, "
    "{conv2d: {channels: 90, kernel: 3, padding: 1, stride: 2}}, %s relu, flatten, {linear: 10}"
)


@dataclass(frozen=True)
class Panel:
    """One heat map."""

    name: str
    title: str
    shape: str
    layers: str
    knob: str
    values: tuple[float, ...]
    rates: tuple[float, ...]

    def network(self, value: float) -> lrbound.network.Network:
        """Return the network at a value of the knob."""
        text = (
            f"version: 1\nname: {self.name}\ninput: {{shape: {self.shape}, correlation: 0.48}}\n"
            "init: {weight_variance: 2.0, bias_variance: 0.5}\n"
            "training: {batch_size: 128, optimizer: {name: sgd, momentum: 0.9}}\n"
            f"layers: [{self.layers}]\n"
        )
        return lrbound.parse(text, overrides=[(knob_path(self.knob), str(value))])

    def grid(self, runs: RunStore) -> Grid:
        """Train all cells that are not there yet."""
        settings = [Setting(v, network, lrbound.predict(network)) for v in self.values for network in [self.network(v)]]
        runner = Runner(load_data(settings[0].network, "digits"), runs, jobs=os.cpu_count())
        path = knob_path(self.knob)
        return run_grid(settings, self.rates, runner, knob=self.knob, path=path, steps=STEPS)


GAMMAS, VARIANCES = log_spaced(0.25, 5.0, 10), log_spaced(0.5, 4.0, 7)
BN = "batch_norm,"
PANELS = (
    Panel("dense-bn", "dense, batch norm", "[64]", DENSE.replace("%s", BN), "gamma", GAMMAS, log_spaced(5e-4, 2, 18)),
    Panel("conv-bn", "conv, batch norm", "[1, 8, 8]", CONV.replace("%s", BN), "gamma", GAMMAS, log_spaced(5e-4, 2, 18)),
    Panel(
        "dense", "dense, no batch norm", "[64]", DENSE.replace("%s", ""), "weight_variance", VARIANCES,
        log_spaced(1e-4, 0.4, 18),
    ),
    Panel(
        "conv", "conv, no batch norm", "[1, 8, 8]", CONV.replace("%s", ""), "weight_variance", VARIANCES,
        log_spaced(1e-4, 0.4, 18),
    ),
)  # fmt: skip


def picture(grids: list[Grid]) -> Figure:
    """Draw the four panels with one scale of colours."""
    figure = Figure(figsize=(9.0, 7.0), layout="constrained", dpi=120)
    axes = list(figure.subplots(2, 2).flat)
    limits = loss_range(grids)
    for axis, panel, grid in zip(axes, PANELS, grids, strict=True):
        mesh = draw(axis, grid, limits)
        axis.set_title(panel.title, fontsize=11)
    figure.supxlabel(
        f"scikit-learn's digits, half squared error, batch 128, momentum 0.9, {STEPS} steps, one seed a cell",
        fontsize=9,
    )
    add_legend(figure, axes)
    add_colour_bar(figure, mesh, axes)
    return figure


def main() -> None:
    """Train, write the tables and draw."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    runs = RunStore(RESULTS / "runs.jsonl")
    grids = []
    for panel in PANELS:
        start = time.monotonic()
        grids.append(panel.grid(runs))
        (RESULTS / f"{panel.name}.csv").write_text(to_csv(grids[-1]), "utf-8")
        print(f"{panel.name}: {time.monotonic() - start:.0f} s", flush=True)
    picture(grids).savefig(HERE / "fig2.png")


if __name__ == "__main__":
    main()
