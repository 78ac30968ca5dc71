"""The text of one network with each normaliser."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrbound.explore.normaliser_table import BATCHES
from lrbound.report import _words as words
from lrbound.report._comparison import settings, times
from lrbound.report._table import table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lrbound.explore.normaliser_table import NormaliserTable, Row
    from lrbound.report.base import Terminal

UNDEFINED = "undefined"
TITLES = ("normalizer", "lambda_max", "max rate", "ratio", *(f"batch {size}" for size in BATCHES))


def rows(result: NormaliserTable, terminal: Terminal) -> str:
    """Return the table, a row for each normaliser."""
    return table(TITLES, [_cells(row) for row in result.rows], 1, terminal)


def _cells(row: Row) -> tuple[str, ...]:
    name = f"{row.normalizer} ({row.settings})" if row.settings else row.normalizer
    rates = [UNDEFINED if at.reason else words.rate(at.max_learning_rate) for at in row.rates]
    if row.prediction is None:
        head = (UNDEFINED, words.NONE, words.NONE)
    else:
        found = row.prediction
        head = (words.number(found.lambda_max), words.rate(found.max_learning_rate), times(row.ratio))
    return (name, *head, *(rates or [words.NONE] * len(BATCHES)))


def conditions(result: NormaliserTable) -> str:
    """Return what all rows have in common, and what the columns are."""
    found = next((row.prediction for row in result.rows if row.prediction is not None), None)
    common = "" if found is None else ", {} and {}".format(*settings(found)[1:])
    batch = "" if found is None else f" with batch {settings(found)[0]}"
    return (
        f"{result.name}{common}: {result.note}. lambda_max and max rate{batch}, ratio: of this rate to that of none; "
        "batch N: the max rate at that batch size."
    )


def reasons(result: NormaliserTable) -> Iterator[tuple[str, str]]:
    """Yield what is undefined and why, each reason once."""
    for row in result.rows:
        if not row.rates:
            yield row.normalizer, row.reason or ""
            continue
        where = {"at the spec's batch": row.reason} | {f"at batch {at.batch_size}": at.reason for at in row.rates}
        for reason in dict.fromkeys(filter(None, where.values())):
            places = [place for place, found in where.items() if found == reason]
            yield f"{row.normalizer} {', '.join(places)}", reason


def explanations(result: NormaliserTable) -> Iterator[tuple[str, str]]:
    """Yield why each normaliser that is defined has the rates that it has."""
    return ((row.normalizer, row.why) for row in result.rows if row.rates)
