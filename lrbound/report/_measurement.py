"""The text of a measurement."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrbound.report import _words as words
from lrbound.report._table import table

if TYPE_CHECKING:
    from lrbound.empirical.measurement import LayerMeasurement, Measurement
    from lrbound.report.base import Terminal

TITLES = ("path", "layer", "params", "predicted", "measured", "ratio")


def answer(result: Measurement) -> list[str]:
    """Return the lines that compare predicted and measured lambda_max."""
    prediction = result.prediction
    interval = prediction.lambda_max_interval
    spread = "" if interval is None else f" (90 % of initialisations: {' to '.join(map(words.number, interval))})"
    inside = "there is no predicted interval"
    if interval is not None:
        inside = f"{result.inside_interval} of {len(result.values)}"
    count = len(result.values)
    return [
        f"{prediction.name} ({prediction.method}), {_count(count)} on {words.count(result.batch_size)} samples each",
        "",
        f"lambda_max predicted  {words.number(prediction.lambda_max)}{spread}",
        f"lambda_max measured   {words.number(result.mean)} ({', '.join(map(words.number, result.values))})",
        f"spread (sd)           {words.number(result.std)}",
        f"predicted / measured  {result.ratio:.3f}",
        f"inside the interval   {inside}",
    ]


def _count(initialisations: int) -> str:
    return f"{words.count(initialisations)} initialisation{'s' * (initialisations > 1)}"


def layer_table(result: Measurement, terminal: Terminal) -> str:
    """Return the table of the layers' parts."""
    return table(TITLES, [_cells(layer) for layer in result.layers], 2, terminal)


def _cells(layer: LayerMeasurement) -> tuple[str, ...]:
    return (
        words.readable(layer.path),
        layer.layer,
        words.short_count(layer.parameters),
        words.number(layer.predicted),
        words.number(layer.measured),
        f"{layer.predicted / layer.measured:.3f}" if layer.measured > 0 else words.NONE,
    )
