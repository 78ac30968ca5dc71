# ruff: noqa: INP001 - a script
"""Zhou et al. 2020 (arXiv 2012.02782): batch group norm at batch 2, and over batch sizes.

    python examples/studies/zhou2020_bgn.py

The claim: batch norm (BN) loses accuracy at small batches, where its statistics are those of a few values; batch group
norm (BGN) does not, because a group of channels has enough of them, and it is stable over batch sizes.

What is measured: dense networks 64-64-64-64-10 on digits, where BN has one value a sample and BGN with 4 groups has 16;
the rate is proportional to the batch, and all batch sizes see the same number of images. With two samples BN leaves of
every unit only which of the two is larger: its largest rate does not exist (the mean of 1/variance is infinite), and
lrbound refuses it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from study import (
    COLOURS,
    JOBS,
    RATE_PER_SAMPLE,
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
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

NORMS = {"BN": "batch_norm", "BGN": "{batch_group_norm: 4}"}
BATCHES = (2, 4, 8, 16, 64)
EPOCHS, SEEDS = 4, 5


@dataclass(frozen=True)
class Row:
    """What is seen with one normaliser: for every batch size the prediction, and the test accuracies of the seeds."""

    name: str
    predictions: tuple[float | None, ...]
    accuracies: tuple[tuple[float, ...], ...]


def run(
    *, batches: Sequence[int] = BATCHES, epochs: int = EPOCHS, seeds: int = SEEDS, jobs: int = 1
) -> tuple[Sequence[int], list[Row]]:
    """Train with both normalisers at every batch size; return the sizes and what came of them."""
    items = [(norm, batch, epochs, seed) for norm in NORMS.values() for batch in batches for seed in range(seeds)]
    scores = grouped(grouped(each(trained_dense, items, jobs), seeds), len(batches))
    return batches, [
        Row(name, tuple(predicted(dense_net(norm, batch)) for batch in batches), accuracies)
        for (name, norm), accuracies in zip(NORMS.items(), scores, strict=True)
    ]


def report(batches: Sequence[int], rows: Sequence[Row]) -> str:
    """Return the table."""
    lines = [
        (
            row.name,
            str(batch),
            number(RATE_PER_SAMPLE * batch),
            number(row.predictions[place]),
            spread(row.accuracies[place]),
        )
        for row in rows
        for place, batch in enumerate(batches)
    ]
    return table(("normaliser", "batch", "rate", "predicted max rate", "test accuracy"), lines)


def picture(batches: Sequence[int], rows: Sequence[Row]) -> Figure:
    """Draw the accuracies against the batch size, and the rates."""
    drawn, (score, rates) = figure(2, "Batch group norm (Zhou et al. 2020) over batch sizes")
    for row in rows:
        band(score, batches, row.accuracies, row.name)
        known = [(b, rate) for b, rate in zip(batches, row.predictions, strict=True) if rate is not None]
        dashes = "s--" if row.name == "BN" else "s-"
        rates.plot(*zip(*known, strict=True), dashes, color=COLOURS[row.name], label=f"{row.name}, predicted maximum")
    rates.plot(batches, [RATE_PER_SAMPLE * batch for batch in batches], "k:", label="used here")
    for axis in (score, rates):
        doubling(axis, batches, "batch size")
    score.set(ylabel="test accuracy", ylim=(0.0, 1.02))
    score.legend(frameon=False, fontsize=9, loc="lower right")
    rates.set(ylabel="learning rate", yscale="log")
    rates.legend(frameon=False, fontsize=9)
    return drawn


if __name__ == "__main__":
    batches, rows = run(jobs=JOBS)
    show(report(batches, rows), picture(batches, rows), __file__)
