"""The text of checks of several specs: a line each."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from lrbound.report import _words as words
from lrbound.report._table import table
from lrbound.report.base import CheckResult

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrbound.report.base import Checked, Terminal

TITLES = ("spec", "result", "rate", "max rate", "rate/max", "recommended")


def lines(checked: Sequence[Checked], terminal: Terminal) -> str:
    """Return a row for each spec, and how many have which result."""
    counts = Counter(map(words.outcome, checked))
    listed = ", ".join(f"{number} {outcome}" for outcome, number in counts.items())
    summary = f"{words.count(len(checked))} spec{'s' * (len(checked) > 1)}: {listed}"
    return "\n".join([table(TITLES, list(map(_cells, checked)), 2, terminal), "", summary])


def _cells(one: Checked) -> tuple[str, ...]:
    if not isinstance(one, CheckResult):
        return (one.spec, words.outcome(one), *[words.NONE] * (len(TITLES) - 2))
    start = one.prediction.recommended_learning_rate
    rates = (words.given(one.learning_rate), words.rate(one.max_learning_rate))
    return (one.spec, words.outcome(one), *rates, words.number(one.ratio), words.rate(start))
