"""The text of predictions at several values of a knob, and of a rate carried from one network to another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrbound.report import _words as words
from lrbound.report._table import table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrbound.explore.portrait import Curve
    from lrbound.explore.transfer import Transfer
    from lrbound.prediction import Prediction
    from lrbound.report.base import Predicted, Terminal

TITLES = ("batch size", "lambda_max", "max rate", "recommended", "critical batch", "limited by")
SPECS = ("spec", "batch", *TITLES[1:4], TITLES[5])
BROKEN = "error"
NETWORKS = ("name", "lambda_max", "max rate", "rate", "limited by")


def rows(predicted: Sequence[Predicted], terminal: Terminal) -> str:
    """Return a row for each batch size; of several specs, a row for each of these and size."""
    if len(predicted) == 1 and not predicted[0].findings:
        return table(TITLES, [_cells(one) for one in predicted[0].predictions], 1, terminal)
    cells: list[tuple[str, ...]] = []
    for one in predicted:
        for prediction in one.predictions:
            *numbers, _, limit = _cells(prediction)
            cells.append((one.spec, *numbers, limit))
        if one.findings:
            cells.append((one.spec, *[words.NONE] * (len(SPECS) - 2), BROKEN))
    return table(SPECS, cells, 1, terminal)


def _cells(one: Prediction) -> tuple[str, ...]:
    first = one.max_learning_rate is None and one.first_step_learning_rate is not None
    return (
        batch(one),
        words.number(one.lambda_max),
        words.rate(one.max_learning_rate),
        words.rate(one.recommended_learning_rate),
        words.number(one.critical_batch_size),
        one.limited_by or (f"first step {words.rate(one.first_step_learning_rate)}" if first else words.NONE),
    )


def batch(prediction: Prediction) -> str:
    """Return the batch size for people."""
    size = prediction.assumptions.batch_size
    return "full" if size is None else words.count(size)


def along(curve: Curve, terminal: Terminal) -> str:
    """Return a row for each value of a knob; a star marks that of the spec."""
    cells = [
        (
            f"{value:g}" + (" *" if value == curve.here else ""),
            words.number(answer.lambda_max),
            words.rate(answer.max_learning_rate),
            words.rate(answer.recommended_learning_rate),
        )
        for value, answer in zip(curve.values, curve.answers, strict=True)
    ]
    return table((curve.knob, "lambda_max", "max rate", "recommended"), cells, 1, terminal)


def carried(result: Transfer, terminal: Terminal) -> list[str]:
    """Return both networks in a table, then the carried rate."""
    both = ((result.base, result.base_rate), (result.new, result.learning_rate))
    cells = [
        (
            one.name,
            words.number(one.lambda_max),
            words.rate(one.max_learning_rate),
            words.rate(rate),
            one.limited_by or words.NONE,
        )
        for one, rate in both
    ]
    return [
        table(NETWORKS, cells, 1, terminal),
        "",
        f"Carried learning rate: {words.rate(result.learning_rate)} (x {words.number(result.ratio)})",
    ]
