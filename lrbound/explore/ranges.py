"""The values that a knob takes: ``LOW:HIGH:COUNT``, or a list with commas."""

from __future__ import annotations

import math
from dataclasses import dataclass

from lrbound.errors import Refused

Value = float | int | str
"""Words are for knobs that are no numbers: ``init=he,lecun``, ``batch_size=64,full``."""

MOST = 1_000_000
SPACINGS = ("log", "lin")
FORM = "LOW:HIGH:COUNT, such as 0.1:5:50, or values with commas between them"


@dataclass(frozen=True)
class Range:
    """Values in the order in which they are taken.

    Attributes
    ----------
    values : tuple of float, int or str
    spacing : str
        ``log`` or ``lin`` for evenly spaced numbers, ``list`` for values that were listed.
    """

    values: tuple[Value, ...]
    spacing: str = "list"


def parse_range(text: str) -> Range:
    """Return the values that ``[log:|lin:]LOW:HIGH:COUNT`` or ``A,B,C`` denotes.

    Without ``log:`` or ``lin:`` the steps are equal ratios where LOW and HIGH are positive, else equal differences.

    Raises
    ------
    Refused
        With a sentence for the user.
    """
    if ":" not in text:
        return Range(tuple(dict.fromkeys(_value(item, text) for item in text.split(","))))
    head, _, tail = text.partition(":")
    named = head.strip() in SPACINGS
    low, high, count = _numbers(tail if named else text, text)
    spacing = head.strip() if named else ("log" if low > 0.0 < high else "lin")
    if not 2 <= count <= MOST:
        raise Refused(f"{text!r}: COUNT must be from 2 to {MOST}, got {count}")
    if low == high or not (math.isfinite(low) and math.isfinite(high)):
        raise Refused(f"{text!r}: LOW and HIGH must be finite and differ")
    if spacing == "log" and not (low > 0.0 < high):
        raise Refused(f"{text!r}: equal ratios need a positive LOW and HIGH; write 'lin:' for equal differences")
    return Range(spaced(low, high, count, spacing), spacing)


def parse_bounds(text: str) -> tuple[float, float]:
    """Return the two ends of ``LOW:HIGH``; raise Refused with a sentence for the user."""
    try:
        low, high = map(float, text.split(":"))
    except ValueError:
        raise Refused(f"{text!r} is not LOW:HIGH, such as 0.01:100") from None
    if not (low < high and math.isfinite(low) and math.isfinite(high)):
        raise Refused(f"{text!r}: LOW must be below HIGH, and both finite")
    return low, high


def spaced(low: float, high: float, count: int, spacing: str) -> tuple[float, ...]:
    """Return ``count`` numbers from ``low`` to ``high``, both ends exactly."""
    steps = [i / (count - 1) for i in range(1, count - 1)]
    if spacing == "log":
        ratio = math.log(high / low)
        return (low, *(low * math.exp(step * ratio) for step in steps), high)
    return (low, *(low + step * (high - low) for step in steps), high)


def _numbers(text: str, whole: str) -> tuple[float, float, int]:
    try:
        low, high, count = text.split(":")
        return float(low), float(high), int(count)
    except ValueError:
        raise Refused(f"{whole!r} is not {FORM}") from None


def _value(item: str, whole: str) -> Value:
    word = item.strip()
    if not word:
        raise Refused(f"{whole!r} is not {FORM}")
    for number in (int, float):
        try:
            value = number(word)
        except ValueError:
            continue
        if not math.isfinite(value):
            raise Refused(f"{whole!r}: {word} is not finite")
        return value
    return word
