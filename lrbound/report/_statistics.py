"""The text of statistics of data: the numbers, and the lines of a spec that state them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrbound.explore.statistics import LAW, spec_lines
from lrbound.report import _words as words

if TYPE_CHECKING:
    from lrbound.explore.statistics import Statistics

WIDTH = 21
NUMBERS = ("mean_square", *LAW)


def answer(result: Statistics) -> list[str]:
    """Return the statistics and the spec's ``input`` for them."""
    lines = [f"{result.name}: {words.count(result.samples)} samples of shape {list(result.shape)}", ""]
    for name in NUMBERS:
        value = getattr(result, name)
        if value is not None or name == "correlation":
            lines.append(f"{name:{WIDTH}}{words.NONE if value is None else format(value, '.6g')}")
    if result.classes is not None:
        lines.append(f"{'classes':{WIDTH}}{result.classes}")
    if result.target_scale is not None:
        lines.append(f"{'target_scale':{WIDTH}}{result.target_scale:.6g}")
    if result.target_mean_share is not None:
        lines.append(f"{'target_mean_share':{WIDTH}}{result.target_mean_share:.6g}")
    entries = spec_lines(result)
    if not entries:
        return lines
    lines += ["", "input:", *(f"  {name}: {value}" for name, value in entries.items())]
    if result.target_scale is not None:
        lines += ["training:", f"  target_scale: {result.target_scale:.6g}"]
    if result.target_mean_share is not None:
        lines.append(f"  target_mean_share: {result.target_mean_share:.6g}")
    return lines
