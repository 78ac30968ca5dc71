"""How rates do against what was measured: safety and caution of a maximum, regret of a rate to start with."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lrbound.empirical.divergence import COLLAPSED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rate_benchmark.predicting import Rates
    from rate_benchmark.records import Record

RULES = ("recommended", "valley", "steepest", "minimum")
"""The rate that is predicted, and those of a range test."""
TINY = 1e-30
"""Stands for a loss of 0 in ratios."""
SOLVED = 0.01
"""Share of the loss of constant outputs below which ratios of losses say little."""


@dataclass(frozen=True)
class Scored:
    """One cell and seed with its scores.

    Attributes
    ----------
    cell : str
        Key of the cell.
    kinds : dict of str
    margin : float or None
        Boundary by the maximum that is predicted; None where none is predicted, or no rate failed and nothing was trained as far up as it.
        Where no rate failed, the largest one that was tried stands for the boundary.
    regrets : dict of float
        By rule: loss at its rate by the best loss; infinite where training explodes there; a rule without a rate is left out.
    good : dict of bool
        By rule: whether the loss is below 2 times the best, or below ``SOLVED`` of the loss of constant outputs.
    first_step : float or None
        Rate from which on the first ten steps raise the loss, by the one that is predicted.
    """

    cell: str
    kinds: Mapping[str, str]
    margin: float | None
    regrets: Mapping[str, float]
    good: Mapping[str, bool]
    first_step: float | None = None


def score(record: Record, rates: Rates, trained: Iterable[Record]) -> Scored:
    """Return the scores of a record.

    Parameters
    ----------
    record : Record
        As :func:`rate_benchmark.measuring.measure` gives it.
    rates : Rates
    trained : iterable of Record
        Runs at recommended rates of this cell and seed.
    """
    exact = {run["rate"]: run["loss"] for run in trained}
    suggestions = {"recommended": shortened(rates.recommended), **record["range_test"]}
    losses = {rule: loss_at(record, rate, exact) for rule, rate in suggestions.items() if rate is not None}
    best = math.inf if record["best"] is None else max(record["best"][1], TINY)
    regrets = {rule: max(loss / best, 1.0) if math.isfinite(loss) else math.inf for rule, loss in losses.items()}
    good = {rule: regrets[rule] < 2.0 or loss < SOLVED * record["constant"] for rule, loss in losses.items()}
    return Scored(
        record["key"], record["kinds"], _margin(record, rates.maximum, exact), regrets, good, _first_step(record, rates)
    )


def _first_step(record: Record, rates: Rates) -> float | None:
    """Return the middle of the bracket of the smallest rate at which the loss rises, by the prediction."""
    rose = [rate for rate, _, within_ten in record.get("first_steps", ()) if within_ten]
    return None if rates.first_step is None or not rose else min(rose) / 2.0**0.25 / rates.first_step


def boundary(record: Record) -> float:
    """Return the middle of the bracket of the failure; where there is none, the end of the rates that were tried."""
    low, high = record["boundary"]
    if low is not None and high is not None:
        return math.sqrt(low * high)
    return largest(record) if high is None else float(min(rate for rate, _, _ in record["runs"]))


def largest(record: Record) -> float:
    """Return the largest rate that was tried."""
    return float(max(rate for rate, _, _ in record["runs"]))


def _margin(record: Record, maximum: float | None, exact: Mapping[float, float | None]) -> float | None:
    """Return boundary/maximum; where no rate failed and the maximum lies beyond them, the run at the maximum itself decides."""
    if not maximum:
        return None
    if record["boundary"][1] is not None or maximum <= largest(record):
        return boundary(record) / maximum
    rate = shortened(maximum)
    if rate not in exact:
        return None
    loss = exact[rate]
    fails = loss is None or loss > COLLAPSED * record["constant"]
    return math.sqrt(largest(record) / maximum) if fails else 1.0


def loss_at(record: Record, rate: float, exact: Mapping[float, float | None]) -> float:
    """Return the final loss at a rate; infinite where training explodes.

    Between two runs the logarithm of the loss is linear in that of the rate; beside a run that exploded the nearer one of the two counts. Below
    the smallest rate that was tried the line of the two smallest goes on, up to the loss before training. Above the largest one training fails, or
    where none failed its loss counts.
    """
    if rate in exact:
        found = exact[rate]
        return math.inf if found is None else found
    known = sorted({tried: math.inf if loss is None else max(loss, TINY) for tried, loss, _ in record["runs"]}.items())
    above = next((place for place, (tried, _) in enumerate(known) if tried >= rate), None)
    if above is None:
        return known[-1][1] if record["boundary"][1] is None else math.inf
    (x0, y0), (x1, y1) = (known[above - 1], known[above]) if above else (known[0], known[1])
    share = math.log(rate / x0) / math.log(x1 / x0)
    if math.isinf(y0) or math.isinf(y1):
        return y0 if share < 0.5 else y1
    line = math.exp((1.0 - share) * math.log(y0) + share * math.log(y1))
    return line if above else min(line, max(record["initial"], y0))


def summary(scored: Sequence[Scored]) -> dict[str, float]:
    """Return the numbers of a set of cells.

    Returns
    -------
    dict
        ``cells``, ``runs`` (a cell with a seed), ``refused``: runs without a maximum; ``unsafe``: share of the cells with a maximum that is above the boundary of
        one of the seeds at least; ``least``: the smallest boundary/maximum; ``caution``: its geometric mean; where first steps are predicted their number, the geometric
        mean of measured/predicted and the share within a factor of 2; for each rule median, 90th percentile and share below 2 of the regret, and the
        share of runs whose loss is good.
    """
    margins = np.array([s.margin for s in scored if s.margin is not None])
    told = {s.cell for s in scored if s.margin is not None}
    unsafe = {s.cell for s in scored if s.margin is not None and s.margin < 1.0}
    result = {
        "cells": len({s.cell for s in scored}),
        "runs": len(scored),
        "refused": sum(s.margin is None for s in scored),
        "unsafe": len(unsafe) / len(told) if told else math.nan,
        "least": float(margins.min()) if len(margins) else math.nan,
        "caution": float(np.exp(np.log(margins).mean())) if len(margins) else math.nan,
    }
    steps = np.array([s.first_step for s in scored if s.first_step is not None])
    if len(steps):
        within = np.abs(np.log2(steps)) <= 1.0
        result |= {
            "first steps": len(steps),
            "first step": float(np.exp(np.log(steps).mean())),
            "within 2": float(within.mean()),
        }
    for rule in RULES:
        regrets = np.array([s.regrets[rule] for s in scored if rule in s.regrets])
        middle, high = np.quantile(regrets, [0.5, 0.9], method="higher") if len(regrets) else (math.nan, math.nan)
        result |= {f"{rule} median": float(middle), f"{rule} p90": float(high)}
        good = [s.good[rule] for s in scored if rule in s.good]
        result[f"{rule} good"] = sum(good) / len(good) if good else math.nan
        result[f"{rule} below 2"] = float((regrets < 2.0).mean()) if len(regrets) else math.nan
    return result


def grouped(scored: Sequence[Scored], factor: str) -> dict[str, list[Scored]]:
    """Return the scores by the levels of a factor."""
    groups: dict[str, list[Scored]] = {}
    for one in sorted(scored, key=lambda s: s.kinds[factor]):
        groups.setdefault(one.kinds[factor], []).append(one)
    return groups


def shortened(rate: float | None) -> float | None:
    """Return a rate as records have it."""
    return None if rate is None else float(f"{rate:.5g}")
