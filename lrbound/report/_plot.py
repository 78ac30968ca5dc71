"""Curves drawn with characters: enough to see where a rate falls, on any terminal."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from lrbound.report import _words as words

if TYPE_CHECKING:
    from lrbound.report.base import Terminal

Curve = Sequence[tuple[float, float]]

HEIGHT = 14
WIDEST, NARROWEST = 72, 20
MARKS = "*o+x#@"
LABEL = 10
"""Columns of the numbers beside the vertical axis."""


def plot(title: str, curves: Mapping[str, Curve], terminal: Terminal, *, logarithmic: bool) -> list[str]:
    """Return the lines of a picture with a logarithmic vertical axis.

    Parameters
    ----------
    title : str
    curves : dict of str to sequence of (x, y)
        At most as many as there are ``MARKS``; y positive. Points are joined.
    terminal : Terminal
    logarithmic : bool
        Whether the horizontal axis is logarithmic too.
    """
    width = max(min(terminal.width - LABEL - 2, WIDEST), NARROWEST)
    scaled = {name: _scaled(curve, logarithmic=logarithmic) for name, curve in curves.items()}
    left, right = _ends([x for curve in scaled.values() for x, _ in curve])
    low, high = _ends([y for curve in scaled.values() for _, y in curve])
    rows = [[" "] * width for _ in range(HEIGHT)]
    for mark, curve in zip(MARKS, scaled.values(), strict=False):
        for column in range(width):
            y = _between(curve, left + (right - left) * column / (width - 1))
            if y is not None:
                rows[round((high - y) / (high - low) * (HEIGHT - 1))][column] = mark
    labels = {0: math.exp(high), HEIGHT - 1: math.exp(low), HEIGHT // 2: math.exp(0.5 * (low + high))}
    side, corner, floor = ("\u2502", "\u2514", "\u2500") if terminal.boxes else ("|", "+", "-")
    lines = [
        f"{words.number(labels[i]) if i in labels else '':>{LABEL}} {side}{''.join(row).rstrip()}"
        for i, row in enumerate(rows)
    ]
    ends = [words.number(math.exp(x) if logarithmic else x) for x in (left, right)]
    axis = f"{ends[0]}{ends[1]:>{width - len(ends[0])}}"
    key = ["", *(f"  {mark} {name}" for mark, name in zip(MARKS, curves, strict=False))] if len(curves) > 1 else []
    return [title, *lines, f"{'':>{LABEL}} {corner}{floor * width}", f"{'':>{LABEL + 2}}{axis}", *key]


def _scaled(curve: Curve, *, logarithmic: bool) -> list[tuple[float, float]]:
    return sorted((math.log(x) if logarithmic else float(x), math.log(y)) for x, y in curve)


def _ends(values: list[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    return (low, high) if high - low > 1e-9 else (low - 0.5, high + 0.5)


def _between(curve: list[tuple[float, float]], x: float) -> float | None:
    """Return the curve at x on the line between its neighbours, None beyond its ends."""
    slack = 1e-9 * (abs(x) + 1.0)
    if not curve[0][0] - slack <= x <= curve[-1][0] + slack:
        return None
    after = next((i for i, (place, _) in enumerate(curve) if place >= x - slack), len(curve) - 1)
    (x0, y0), (x1, y1) = curve[max(after - 1, 0)], curve[after]
    return y1 if x1 <= x0 else y0 + (y1 - y0) * min((x - x0) / (x1 - x0), 1.0)
