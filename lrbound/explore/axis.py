"""A knob with its values: from each value to the network that has it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lrbound.explore.blend import leaves, with_value
from lrbound.spec import SpecError

if TYPE_CHECKING:
    from lrbound.explore.knobs import Knob
    from lrbound.explore.ranges import Range, Value
    from lrbound.explore.source import Source
    from lrbound.network import Network


@dataclass(frozen=True)
class Axis:
    """A knob of one spec and the values that it takes.

    Attributes
    ----------
    source : Source
    knob : Knob
    values : tuple of float, int or str
        Whole numbers where the knob is one.
    logarithmic : bool
        Whether the values are at equal ratios.
    ends : tuple of two Networks, or None
        For a continuous knob, the networks at its smallest and at its largest value.
    """

    source: Source
    knob: Knob
    values: tuple[Value, ...]
    logarithmic: bool = False
    ends: tuple[Network, Network] | None = None

    def network(self, value: Value) -> Network:
        """Return the network at a value, without parsing where the knob is continuous."""
        if self.ends is None or isinstance(value, str):
            return self.source.network(*self.knob.at(value))
        return with_value(*self.ends, float(value))


def make_axis(source: Source, knob: Knob, span: Range) -> Axis:
    """Put a knob and its values together.

    A range of a knob that takes whole numbers is rounded to them. Bounds of continuous knobs are intervals, so that
    all values are right where the smallest and the largest are.

    Raises
    ------
    SpecError
        Where the spec cannot have such a value.
    """
    logarithmic = span.spacing == "log"
    if span.spacing != "list" and takes_integers(source, knob, span):
        rounded = tuple(dict.fromkeys(round(value) for value in span.values if not isinstance(value, str)))
        return Axis(source, knob, rounded, logarithmic)
    numbers = [value for value in span.values if not isinstance(value, str)]
    if len(numbers) < len(span.values) or len(numbers) < 2:
        return Axis(source, knob, span.values)
    return Axis(source, knob, span.values, logarithmic, _continuous(source, knob, min(numbers), max(numbers)))


def takes_integers(source: Source, knob: Knob, span: Range) -> bool:
    """Whether the knob takes whole numbers only: whether it refuses a fraction and takes a rounded one."""
    fraction = next((v for v in span.values if isinstance(v, float) and not v.is_integer()), None)
    if fraction is None:
        ends = (source.network(*knob.at(value)) for value in (span.values[0], span.values[-1]))
        return any(isinstance(leaf.one, int) for leaf in leaves(*ends))
    try:
        source.network(*knob.at(fraction))
    except SpecError:
        return _takes(source, knob, round(fraction) or 1)
    return False


def _takes(source: Source, knob: Knob, value: Value) -> bool:
    try:
        source.network(*knob.at(value))
    except SpecError:
        return False
    return True


def _continuous(source: Source, knob: Knob, low: float, high: float) -> tuple[Network, Network] | None:
    """Return the networks at two values, if all that differs between them are these values."""
    ends = source.network(*knob.at(low)), source.network(*knob.at(high))
    found = leaves(*ends)
    plain = all(isinstance(leaf.one, float) and (leaf.one, leaf.other) == (low, high) for leaf in found)
    return ends if found and plain else None
