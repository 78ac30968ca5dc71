"""Line charts as SVG that takes its colours from the page: a few curves over one axis, both axes linear or logarithmic."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

WIDTH, HEIGHT = 360, 236
LEFT, RIGHT, TOP, BOTTOM = 54, 14, 12, 42
MOST_TICKS = 6
STEPS = ((1.0,), (1.0, 3.0), (1.0, 2.0, 5.0), (1.0, 1.5, 2.0, 3.0, 5.0, 7.0))
"""Leading digits of the ticks of a logarithmic axis, from the fewest."""


@dataclass(frozen=True)
class Line:
    """One curve.

    Attributes
    ----------
    name : str
        What the legend calls it.
    points : sequence of (float, float or None)
        Places and values; nothing is drawn where there is none.
    style : str
        CSS class of its stroke.
    marked : bool
        Whether each point has a dot.
    """

    name: str
    points: Sequence[tuple[float, float | None]]
    style: str
    marked: bool = True


@dataclass(frozen=True)
class Scale:
    """From values to places on the picture.

    Attributes
    ----------
    low, high : float
        Values at the ends of the axis.
    start, end : float
        Their places.
    logarithmic : bool
    """

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool

    def at(self, value: float) -> float:
        """Return the place of a value."""
        turn: Callable[[float], float] = math.log10 if self.logarithmic else float
        low, high = turn(self.low), turn(self.high)
        return self.start + (self.end - self.start) * (turn(value) - low) / (high - low)

    def ticks(self) -> list[float]:
        """Return round values on the axis, at most ``MOST_TICKS``."""
        if not self.logarithmic:
            step = 10.0 ** math.floor(math.log10((self.high - self.low) / 2.0))
            size = next(s for s in (step, 2 * step, 5 * step, 10 * step) if (self.high - self.low) / s < MOST_TICKS)
            first = math.ceil(self.low / size)
            return [i * size for i in range(first, first + MOST_TICKS) if i * size <= self.high]
        first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
        found: list[float] = []
        for digits in STEPS:
            every = [d * 10.0**e for e in range(first, last + 1) for d in digits]
            inside = [v for v in every if self.low * (1 - 1e-9) <= v <= self.high * (1 + 1e-9)]
            if len(inside) > MOST_TICKS:
                return found or inside[:: math.ceil(len(inside) / MOST_TICKS)]
            found = inside
        return found


def scale(values: Sequence[float], start: float, end: float, *, logarithmic: bool) -> Scale:
    """Return an axis that shows all of the values, with some room around them."""
    low, high = min(values), max(values)
    if logarithmic:
        room = max((high / low) ** 0.05, 1.05)
        return Scale(low / room, high * room, start, end, logarithmic)
    room = max(0.05 * (high - low), 1e-3 * abs(high)) or 0.5
    return Scale(low - room, high + room, start, end, logarithmic)


def tick(value: float) -> str:
    """Return a short text for a round value."""
    if value and not 1e-3 <= abs(value) < 1e5:
        digits, _, exponent = f"{value:.0e}".partition("e")
        power = f"10<tspan dy='-4' class='power'>{int(exponent)}</tspan>"
        return power if digits == "1" else f"{digits}\u00b7{power}"
    return f"{value:g}"


def chart(
    title: str, axis: str, lines: Sequence[Line], *, logarithmic: bool, here: float | None = None, whole: bool = False
) -> str:
    """Return a figure with its caption.

    Parameters
    ----------
    title : str
        What is drawn, for the caption and for readers who do not see it.
    axis : str
        What the places are.
    lines : sequence of Line
        Values are drawn on a logarithmic axis: they must be positive.
    logarithmic : bool
        Whether places are at equal ratios.
    here : float or None
        A place to mark.
    whole : bool
        Whether places are whole numbers.
    """
    known = [(x, y) for line in lines for x, y in line.points if y is not None and y > 0.0 and math.isfinite(y)]
    if not known:
        return ""
    across = scale([x for x, _ in known], LEFT, WIDTH - RIGHT, logarithmic=logarithmic)
    up = scale([y for _, y in known], HEIGHT - BOTTOM, TOP, logarithmic=True)
    parts = [_grid(across, up, whole=whole)]
    if here is not None and across.low <= here <= across.high:
        parts.append(
            f"<line class='here' x1='{across.at(here):.1f}' x2='{across.at(here):.1f}' y1='{TOP}' y2='{HEIGHT - BOTTOM}'/>"
        )
    parts += [_line(line, across, up) for line in lines]
    parts.append(f"<text class='axis' x='{(LEFT + WIDTH - RIGHT) / 2}' y='{HEIGHT - 6}'>{escape(axis)}</text>")
    legend = "".join(f"<span class='key {line.style}'>{escape(line.name)}</span>" for line in lines)
    legend += "" if here is None else "<span class='key here'>this spec</span>"
    return (
        f"<figure><figcaption>{escape(title)}</figcaption>"
        f"<svg viewBox='0 0 {WIDTH} {HEIGHT}' role='img' aria-label='{escape(_spoken(title, lines), quote=True)}'>"
        f"{''.join(parts)}</svg><p class='legend'>{legend}</p></figure>"
    )


def _grid(across: Scale, up: Scale, *, whole: bool) -> str:
    parts = []
    for value in up.ticks():
        y = up.at(value)
        parts.append(f"<line class='grid' x1='{LEFT}' x2='{WIDTH - RIGHT}' y1='{y:.1f}' y2='{y:.1f}'/>")
        parts.append(f"<text class='y' x='{LEFT - 6}' y='{y + 4:.1f}'>{tick(value)}</text>")
    for value in across.ticks():
        if whole and (value != round(value) or value < 1):
            continue
        x = across.at(value)
        parts.append(
            f"<line class='grid' x1='{x:.1f}' x2='{x:.1f}' y1='{HEIGHT - BOTTOM}' y2='{HEIGHT - BOTTOM + 4}'/>"
        )
        parts.append(f"<text class='x' x='{x:.1f}' y='{HEIGHT - BOTTOM + 17}'>{tick(value)}</text>")
    return "".join(parts)


def _line(line: Line, across: Scale, up: Scale) -> str:
    """Draw a curve, broken where a value is missing."""
    runs: list[list[str]] = [[]]
    for x, y in line.points:
        if y is None or not (y > 0.0 and math.isfinite(y)):
            runs.append([])
        else:
            runs[-1].append(f"{across.at(x):.1f},{up.at(y):.1f}")
    drawn = [f"<polyline class='{line.style}' points='{' '.join(run)}'/>" for run in runs if len(run) > 1]
    if line.marked:
        dots = (place.split(",") for run in runs for place in run)
        drawn += [f"<circle class='{line.style}' cx='{x}' cy='{y}' r='2.6'/>" for x, y in dots]
    return "".join(drawn)


def _spoken(title: str, lines: Sequence[Line]) -> str:
    """Say in words what the picture shows: the ends of each curve."""
    said = []
    for line in lines:
        known = [(x, y) for x, y in line.points if y is not None]
        if known:
            (first, low), (last, high) = known[0], known[-1]
            said.append(f"{line.name} goes from {low:.3g} at {first:g} to {high:.3g} at {last:g}")
    return f"{title}: {'; '.join(said)}"
