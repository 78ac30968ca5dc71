"""The scores as Markdown."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rate_benchmark.scoring import RULES, boundary, grouped, summary

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rate_benchmark.predicting import Rates
    from rate_benchmark.records import Record
    from rate_benchmark.scoring import Scored

FACTORS = ("normaliser", "loss", "init", "optimizer", "family", "batch", "data", "targets", "gamma")
NAMES = {
    "recommended": "recommended, no step taken",
    "valley": "range test, valley",
    "steepest": "range test, steepest",
    "minimum": "range test, minimum/10",
}


INTRODUCTION = """Networks of a balanced random design, trained for 300 steps (150 with a full batch) at rates a factor of 2 apart. The boundary is the smallest
rate at which training explodes, collapses, or ends like constant outputs though a smaller rate learns, to a factor of 1.19; a cell is unsafe where the
boundary of one of its seeds is below the predicted maximum. The regret of a rate is its loss, the mean of the last 30 steps, by that of the best rate. The range
tests are fastai's, of 100 steps on the same network and batches. The constants of the rule are
fitted on `look` and, since its second version, on `held-out`; `fresh` was drawn and trained before that version was made; it was scored when it was
complete, and two terms were corrected afterwards (lrbound/theory/rates.md, section 12)."""


def overview(splits: Mapping[str, Sequence[Scored]]) -> str:
    """Return the table of safety and that of the regrets, a row for each half of the cells."""
    lines = [
        "| cells | measured | without a maximum | unsafe cells | smallest boundary/max | geometric mean |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    regrets = [
        "| cells | rate | median regret | 90th percentile | below 2 | or the loss below 1 % of a constant's |",
        "|---|---|--:|--:|--:|--:|",
    ]
    for split, scored in splits.items():
        s = summary(scored)
        lines.append(
            f"| {split} | {s['cells']} ({s['runs']} runs) | {s['refused']} runs | {s['unsafe']:.0%} | {_number(s['least'])} | {_number(s['caution'])} |"
        )
        for rule in RULES:
            shares = (f"{s[f'{rule} {share}']:.0%}" for share in ("below 2", "good"))
            values = (_number(s[f"{rule} median"]), _number(s[f"{rule} p90"]), *shares)
            regrets.append(f"| {split} | {NAMES[rule]} | {' | '.join(values)} |")
    steps = [
        f"First step of an adaptive optimiser, {split}: measured/predicted {_number(s['first step'])} in the geometric mean, {s['within 2']:.0%} of {s['first steps']} runs within a factor of 2."
        for split, s in ((split, summary(scored)) for split, scored in splits.items())
        if "first step" in s
    ]
    return "\n".join([INTRODUCTION, "", *lines, "", *regrets, *(["", *steps] if steps else [])])


def by_kind(scored: Sequence[Scored]) -> str:
    """Return a table with a row for each level of each factor."""
    head = ["", "cells", "unsafe", "smallest", "geometric mean", *(f"regret: {rule}" for rule in RULES)]
    lines = [f"| {' | '.join(head)} |", "|---|" + "--:|" * (len(head) - 1)]
    for factor in FACTORS:
        for level, group in grouped(scored, factor).items():
            s = summary(group)
            safety = (f"{s['cells']:.0f}", f"{s['unsafe']:.0%}", _number(s["least"]), _number(s["caution"]))
            regrets = (_number(s[f"{rule} median"]) for rule in RULES)
            lines.append(f"| {factor} {level} | {' | '.join([*safety, *regrets])} |")
    return "\n".join(lines)


def reported(rows: Sequence[tuple[Record, Rates]]) -> str:
    """Return the table of the cells that were chosen by hand."""
    lines = ["| net | predicted maximum | recommended | best rate | boundary |", "|---|--:|--:|--:|--:|"]
    for record, rates in rows:
        best = None if record["best"] is None else record["best"][0]
        values = (rates.maximum, rates.recommended, best, boundary(record))
        lines.append(f"| {record['name']} | {' | '.join(map(_number, values))} |")
    return "\n".join(lines)


def _number(value: float | None) -> str:
    if value is None or math.isnan(value):
        return "-"
    return "fails" if math.isinf(value) else f"{float(f'{value:.2g}'):g}"
