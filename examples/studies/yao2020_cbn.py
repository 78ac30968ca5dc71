# ruff: noqa: INP001 - a script
"""Yao et al. 2020 (arXiv 2002.05712): cross-iteration batch norm at small batches.

    python examples/studies/yao2020_cbn.py

The claim: at small batches the statistics of cross-iteration batch norm (CBN), and the training with it, come closer to
those of batch norm (BN) at a large batch than BN's own do.

What is measured, in dense networks 64-64-64-64-10 on digits with a window of 4 iterations:

* statistics: in the first normaliser during training, the root mean square over channels of the error of the mean that
  is subtracted, in standard deviations, and of the relative error of the standard deviation that is divided by. The
  truth is what BN over all training images uses at the same weights. (In the layers above, BN's mean hardly errs: what
  comes from below was centred over the same batch. Its standard deviation errs as in the first.)
* training: the test accuracy after equally many images, at a rate proportional to the batch, beside BN at batch 64.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from study import (
    COLOURS,
    JOBS,
    RATE_PER_SAMPLE,
    Digits,
    band,
    dense_net,
    doubling,
    each,
    figure,
    grouped,
    number,
    predicted,
    show,
    spread,
    table,
    trained_dense,
    training,
)
from torch import nn

import lrbound
from lrbound.normalizers import CrossIterationBatchNorm

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

WINDOW = 4
NORMS = {"BN": "batch_norm", "CBN": f"{{cross_iteration_batch_norm: {WINDOW}}}"}
BATCHES = (2, 4, 8, 16)
LARGE = 64
SETTLED = 20
"""Steps until the statistics are looked at; from then on every fifth step's are."""


@dataclass(frozen=True)
class Row:
    """What is seen with one normaliser at one batch size; one value a seed."""

    name: str
    batch: int
    prediction: float | None
    accuracies: tuple[float, ...]
    mean_errors: tuple[float, ...]
    std_errors: tuple[float, ...]

    @property
    def rate(self) -> float:
        """The learning rate at the start."""
        return RATE_PER_SAMPLE * self.batch


@torch.no_grad()
def true_moments(module: nn.Sequential, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the mean and the standard deviation in the first normaliser if it were BN over all of ``x``."""
    std, mean = torch.std_mean(module[0](x), dim=0, correction=0)
    return mean, std


def errors(item: tuple[str, int, int, int]) -> tuple[float, float]:
    """Return the errors of mean and standard deviation in the first normaliser, averaged over steps."""
    name, batch, steps, seed = item
    net = dense_net(NORMS[name], batch)
    module, digits = lrbound.to_torch(net, seed=seed), Digits.load(net)
    first = module[1]
    assert isinstance(first, nn.BatchNorm1d | CrossIterationBatchNorm)
    first.momentum = 1.0  # running statistics are then the last step's
    values = batch * (WINDOW if name == "CBN" else 1)
    of_mean, of_std = [], []
    for step, _ in enumerate(
        training(module, net, digits, rate=RATE_PER_SAMPLE * batch, seed=seed, steps=SETTLED + steps)
    ):
        if step < SETTLED or step % 5:
            continue
        mean, std = true_moments(module, digits.x)
        assert first.running_mean is not None
        assert first.running_var is not None
        used = (first.running_var * ((values - 1) / values)).sqrt()  # kept unbiased, but used biased
        of_mean.append(_rms((first.running_mean - mean) / std))
        of_std.append(_rms(used / std - 1.0))
    return statistics.mean(of_mean), statistics.mean(of_std)


def _rms(values: torch.Tensor) -> float:
    return values.square().mean().sqrt().item()


def run(
    *, batches: Sequence[int] = BATCHES, epochs: int = 3, steps: int = 80, seeds: int = 3, jobs: int = 1
) -> list[Row]:
    """Measure the errors of the statistics and train, at every batch size; the last row is BN at a large batch."""
    places = [*((name, batch) for name in NORMS for batch in batches), ("BN", LARGE)]
    runs = [(name, batch, seed) for name, batch in places for seed in range(seeds)]
    found = each(errors, [(name, batch, steps, seed) for name, batch, seed in runs], jobs)
    scores = each(trained_dense, [(NORMS[name], batch, epochs, seed) for name, batch, seed in runs], jobs)
    rows = []
    for (name, batch), pairs, accuracies in zip(places, grouped(found, seeds), grouped(scores, seeds), strict=True):
        of_mean, of_std = zip(*pairs, strict=True)
        rows.append(Row(name, batch, predicted(dense_net(NORMS[name], batch)), accuracies, of_mean, of_std))
    return rows


def report(rows: Sequence[Row]) -> str:
    """Return the table."""
    titles = ("normaliser", "batch", "rate", "predicted max rate", "error of mean", "error of std", "test accuracy")
    lines = [
        (
            row.name,
            str(row.batch),
            number(row.rate),
            number(row.prediction),
            spread(row.mean_errors, ".2f"),
            spread(row.std_errors, ".2f"),
            spread(row.accuracies),
        )
        for row in rows
    ]
    return table(titles, lines)


def picture(rows: Sequence[Row]) -> Figure:
    """Draw the errors of the statistics and the accuracies against the batch size."""
    drawn, axes = figure(3, f"Cross-iteration batch norm (Yao et al. 2020), window of {WINDOW}")
    *small, large = rows
    ticks = sorted({row.batch for row in small})
    for name in NORMS:
        mine = [row for row in small if row.name == name]
        for axis, values in zip(axes, ("mean_errors", "std_errors", "accuracies"), strict=True):
            band(axis, [row.batch for row in mine], [getattr(row, values) for row in mine], name)
    for axis, reached in zip(axes, (large.mean_errors, large.std_errors, large.accuracies), strict=True):
        level = statistics.mean(reached)
        axis.axhline(level, color=COLOURS["BN"], linestyle=":", label=f"BN at batch {large.batch}")
        doubling(axis, ticks, "batch size")
        axis.set_ylim(bottom=0.0)
    axes[0].set(ylabel="error / standard deviation", title="statistics: mean")
    axes[1].set(ylabel="relative error", title="statistics: standard deviation")
    axes[2].set(ylabel="test accuracy", title="training", ylim=(0.0, 1.02))
    axes[2].legend(frameon=False, fontsize=9, loc="lower right")
    return drawn


if __name__ == "__main__":
    rows = run(jobs=JOBS)
    show(report(rows), picture(rows), __file__)
