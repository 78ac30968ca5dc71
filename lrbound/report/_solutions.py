"""The text of solutions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrbound.report import _words as words

if TYPE_CHECKING:
    from lrbound.explore.solve import Solution, Solutions

SIDES = {
    "below": "stable below it, unstable above",
    "above": "stable above it, unstable below",
    "both": "stable on both sides",
    "neither": "unstable on both sides",
}


def answer(result: Solutions) -> list[str]:
    """Return a line for each solution, or the reason why there is none."""
    low, high = map(words.given, result.span)
    head = f"{result.name}: where a learning rate of {words.given(result.learning_rate)} is just stable"
    if not result.solutions:
        return [head, "", f"none: {result.reason}"]
    found = [_line(result.vary, one) for one in result.solutions]
    return [head, "", *found, "", f"Looked for from {low} to {high}; --range LOW:HIGH looks elsewhere."]


def _line(vary: str, one: Solution) -> str:
    rate = words.number(one.max_learning_rate)
    return f"{vary} = {one.value:.7g}  (max learning rate {rate}; {SIDES[one.stable]})"
