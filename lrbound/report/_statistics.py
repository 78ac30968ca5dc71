"""The text of statistics of data: the numbers, and the lines of a spec that state them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrbound.report import _words as words

if TYPE_CHECKING:
    from lrbound.explore.statistics import Statistics

FLAT, GREY, IMAGE = 1, 2, 3


def answer(result: Statistics) -> list[str]:
    """Return the statistics and the spec's ``input`` for them."""
    shape = [1, *result.shape] if len(result.shape) == GREY else list(result.shape)
    lines = [
        f"{result.name}: {words.count(result.samples)} samples of shape {list(result.shape)}",
        "",
        f"mean_square  {result.mean_square:.6g}",
        f"correlation  {words.NONE if result.correlation is None else format(result.correlation, '.6g')}",
    ]
    if len(shape) not in (FLAT, IMAGE) or not result.mean_square:
        return lines
    spec = ["", "input:", f"  shape: {shape}", f"  mean_square: {result.mean_square:.6g}"]
    if result.correlation is not None and result.correlation > 0.0:
        spec.append(f"  correlation: {result.correlation:.6g}")
    return lines + spec
