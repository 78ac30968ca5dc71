"""Where to look for a solution when nobody says: the values that a knob can have."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from lrbound.errors import Refused
from lrbound.explore.blend import Leaf, leaves
from lrbound.fields import Param
from lrbound.spec import SpecError

if TYPE_CHECKING:
    from lrbound.explore.knobs import Knob
    from lrbound.explore.source import Source

LOW, HIGH = 1e-3, 1e3
LOWEST = 1e-9
"""From where to look at a knob that may be 0, such as eps."""
LARGEST_INTEGER = 4096
MOST_LAYERS = 300
"""A depth is tried up to so many layers."""
NEARLY = 1e-6
"""How near to an open end."""
TRIALS: tuple[tuple[float, float], ...] = ((0.25, 0.5), (1.0, 2.0), (1e-3, 2e-3), (8, 16))
"""Pairs of values; a knob's declaration is found from what they change."""


def default_span(source: Source, knob: Knob) -> tuple[float, float]:
    """Return the smallest and largest value to look at.

    Raises
    ------
    SpecError
        What is wrong with the knob.
    Refused
        Where it takes no numbers.
    """
    leaf = _declared(source, knob)
    param = leaf.param or Param("number", "")
    if isinstance(leaf.one, int):
        low = 1.0 if param.ge is None else max(param.ge, 1.0)
        return _largest(source, knob, low, LARGEST_INTEGER if param.le is None else min(param.le, LARGEST_INTEGER))
    low = LOWEST if param.ge == 0.0 else LOW
    upper = param.le if param.lt is None else param.lt - NEARLY
    if upper is not None:
        return (low if param.ge is None else param.ge), upper
    if _takes(source, knob, 1.0, HIGH):
        return low, HIGH
    # input.correlation and the like, whose bounds are no part of a layer
    return (0.0, 1.0) if _takes(source, knob, 0.0, 1.0) else (LOW, 1.0 - NEARLY)


def _declared(source: Source, knob: Knob) -> Leaf:
    refused: SpecError | None = None
    for pair in TRIALS:
        try:
            found = leaves(*(source.network(*knob.at(value)) for value in pair))
        except SpecError as error:
            refused = refused or error
            continue
        numbers = [leaf for leaf in found if isinstance(leaf.one, int | float) and not isinstance(leaf.one, bool)]
        if numbers:
            # what a layer declares comes before what follows from it, such as the shape of the output
            return next((leaf for leaf in numbers if leaf.param is not None), numbers[0])
    if refused is not None:
        raise refused
    raise Refused(f"{knob.label} changes no number of the network")


def _largest(source: Source, knob: Knob, low: float, high: float) -> tuple[float, float]:
    """Return the span of a whole number, its upper end halved until the spec can have it and is no giant."""
    while high > low and not _affordable(source, knob, high):
        high = high // 2
    return low, high


def _affordable(source: Source, knob: Knob, value: float) -> bool:
    try:
        layers = source.network(*knob.at(value)).unrolled()
    except SpecError:
        return False
    return next(islice(layers, MOST_LAYERS, None), None) is None


def _takes(source: Source, knob: Knob, *values: float) -> bool:
    try:
        for value in values:
            source.network(*knob.at(value))
    except SpecError:
        return False
    return True
