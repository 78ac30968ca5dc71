# ruff: noqa: INP001 - a script
"""Wei, Stokes and Schwab 2019 (arXiv 1903.02606): the smaller gamma, the lower the loss after the same epochs.

    python examples/studies/wei2019.py

The claim: batch norm with a smaller gamma at initialisation allows a larger learning rate, and reaches a lower loss after
the same number of epochs.

What is measured: a convolutional network with batch norm, as the paper's but smaller, on digits (half squared error,
batch 64, momentum 0.9) over gamma and the rate; the training loss after 4 epochs.

What is seen: at one and the same small rate gamma makes little difference; the gain is that of the larger rates that a
smaller gamma allows. The prediction beside it is the smaller one of lrbound's two bounds: with a flatten head on images
that for minibatches counts the head alone and is too high.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from study import (
    JOBS,
    conv,
    figure,
    final_losses,
    image_net,
    median,
    number,
    plain_numbers,
    show,
    spread,
    table,
)

import lrbound
from lrbound.empirical.datasets import load_data
from lrbound.empirical.knobs import log_spaced
from lrbound.empirical.runner import Runner
from lrbound.empirical.store import RunStore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

    from lrbound.network import Network
    from lrbound.prediction import Prediction

GAMMAS = (0.25, 0.5, 1.0, 2.0, 4.0)
RATES = log_spaced(1e-3, 1.0, 10)
BATCH = 64


@dataclass(frozen=True)
class Row:
    """What is seen at one gamma: at each rate the losses of the seeds, None where training exploded."""

    gamma: float
    prediction: Prediction
    rates: tuple[float, ...]
    losses: tuple[tuple[float | None, ...], ...]

    @property
    def medians(self) -> tuple[float, ...]:
        """The median over seeds at each rate, infinite where half of them exploded."""
        return tuple(map(median, self.losses))

    @property
    def best(self) -> int:
        """The place of the rate with the lowest median."""
        return min(range(len(self.rates)), key=self.medians.__getitem__)

    def at_best(self) -> tuple[float, ...]:
        """Return the losses of the seeds at the best rate."""
        return tuple(math.inf if v is None else v for v in self.losses[self.best])


def conv_net(gamma: float) -> Network:
    """Return the network at one gamma."""
    block = f"{{batch_norm: {{gamma: {gamma}}}}}, relu"
    layers = f"{conv(16, stride=2)}, {block}, {conv(32)}, {block}, {conv(48, stride=2)}, {block}"
    return image_net("wei2019", layers, batch=BATCH, loss="half_squared_error")


def run(
    *,
    gammas: Sequence[float] = GAMMAS,
    rates: Sequence[float] = RATES,
    epochs: int = 4,
    seeds: int = 3,
    jobs: int = 1,
) -> list[Row]:
    """Train at every gamma and rate."""
    nets = [conv_net(gamma) for gamma in gammas]
    data = load_data(nets[0], "digits")
    runner = Runner(data, RunStore(), jobs=jobs)
    found = final_losses(nets, rates, runner, seeds=seeds, steps=epochs * len(data) // BATCH)
    return [
        Row(gamma, lrbound.predict(net), tuple(rates), losses)
        for gamma, net, losses in zip(gammas, nets, found, strict=True)
    ]


def report(rows: Sequence[Row]) -> str:
    """Return the table."""
    titles = (
        "gamma",
        "smaller predicted bound",
        "best rate",
        "loss at the best rate",
        *(f"at {r:.2g}" for r in _some(rows)),
    )
    lines = [
        (
            f"{row.gamma:g}",
            number(_safe(row.prediction)),
            number(row.rates[row.best]),
            spread(row.at_best()),
            *(number(row.medians[row.rates.index(rate)]) for rate in _some(rows)),
        )
        for row in rows
    ]
    return table(titles, lines)


def _some(rows: Sequence[Row]) -> tuple[float, ...]:
    """Return every second rate, for columns."""
    return rows[0].rates[1::2]


def _safe(prediction: Prediction) -> float | None:
    """Return the smaller of both bounds: with a flatten head the minibatch's alone is too high on images."""
    known = [rate for rate in (prediction.max_learning_rate, prediction.bounds.curvature) if rate is not None]
    return min(known, default=None)


def picture(rows: Sequence[Row]) -> Figure:
    """Draw the losses over rates with the predictions, and the best of them over gamma."""
    from matplotlib import colormaps

    drawn, (losses, best) = figure(2, "Small gamma (Wei, Stokes, Schwab 2019): loss after the same epochs")
    colours = colormaps["viridis"]
    for place, row in enumerate(rows):
        colour = colours(0.9 * place / max(len(rows) - 1, 1))
        losses.plot(
            row.rates,
            [v if math.isfinite(v) else math.nan for v in row.medians],
            "o-",
            ms=4,
            color=colour,
            label=f"gamma {row.gamma:g}",
        )
        limit = _safe(row.prediction)
        if limit is not None:
            losses.axvline(limit, color=colour, linestyle=":", lw=1.5)
        values = row.at_best()
        best.plot([row.gamma] * len(values), values, "o", color=colour)
    best.plot([row.gamma for row in rows], [row.medians[row.best] for row in rows], "-", color="0.5", zorder=0)
    losses.plot([], [], "k:", label="predicted maximum")
    losses.set(xlabel="learning rate", ylabel="training loss", xscale="log", yscale="log", title="over rates")
    best.legend(*losses.get_legend_handles_labels(), frameon=False, fontsize=8, loc="upper left")
    best.set(
        xlabel="gamma at initialisation",
        ylabel="training loss",
        xscale="log",
        yscale="log",
        title="at the best rate, one dot a seed",
    )
    best.set_xticks([row.gamma for row in rows], [f"{row.gamma:g}" for row in rows])
    best.minorticks_off()
    for axis in (losses, best):
        plain_numbers(axis.yaxis)
    return drawn


if __name__ == "__main__":
    rows = run(jobs=JOBS)
    show(report(rows), picture(rows), __file__)
