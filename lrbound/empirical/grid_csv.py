"""A grid as CSV, one line a cell."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lrbound.empirical.results import Grid

COLUMNS = ("learning_rate", "final_loss", "diverged", "max_learning_rate", "bound_curvature", "bound_wei2019")


def to_csv(grid: Grid) -> str:
    """Return the cells with the knob's value, the rate, the final loss (empty where it exploded) and the predictions."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([grid.path, *COLUMNS])
    for row in grid.rows:
        p = row.prediction
        for rate, loss, diverged in zip(grid.rates, row.losses, row.diverged, strict=True):
            # csv writes None as an empty field
            writer.writerow(
                [row.value, rate, loss, int(diverged), p.max_learning_rate, p.bounds.curvature, row.published]
            )
    return file.getvalue()
