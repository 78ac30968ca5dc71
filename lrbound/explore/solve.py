"""The value of a knob at which a learning rate is just stable."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lrbound.explore.answer import ask
from lrbound.explore.axis import Axis, make_axis
from lrbound.explore.knobs import find_knob
from lrbound.explore.notes import Notes
from lrbound.explore.ranges import Range, spaced
from lrbound.explore.reach import default_span
from lrbound.explore.roots import Root, Roots, find_roots

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrbound.explore.source import Predict, Source
    from lrbound.notices import Notice

SCAN = 97
"""Values at which the curve is looked at first; two crossings closer than that can be missed."""
ACCURACY = 1e-7
"""Relative difference from the rate that a solution of a continuous knob may have."""

FLAT = 1e-9
"""Relative variation of the rate below which a knob has no influence, apart from rounding."""

Side = Literal["below", "above", "both", "neither"]


@dataclass(frozen=True)
class Solution:
    """A value of the knob.

    Attributes
    ----------
    value : float or int
    max_learning_rate : float
        What is predicted there.
    stable : {"below", "above", "both", "neither"}
        On which side of the value the rate is stable.
    """

    value: float
    max_learning_rate: float
    stable: Side


@dataclass(frozen=True)
class Solutions:
    """All values at which a rate is just stable.

    Attributes
    ----------
    name : str
        Of the network.
    vary : str
        Path of the knob.
    learning_rate : float
    span : (float, float)
        Where they were looked for.
    solutions : tuple of Solution
        In ascending order. Of a knob that takes whole numbers, the last ones on the stable side.
    nearest : Solution or None
        Where there is none, the value whose maximum is nearest.
    reason : str or None
        Why there is none.
    warnings : tuple of Notice
    """

    name: str
    vary: str
    learning_rate: float
    span: tuple[float, float]
    solutions: tuple[Solution, ...]
    nearest: Solution | None
    reason: str | None
    warnings: tuple[Notice, ...]


def solve(
    source: Source, name: str, rate: float, predict: Predict, span: tuple[float, float] | None = None
) -> Solutions:
    """Find where the largest stable rate equals ``rate``.

    Parameters
    ----------
    source : Source
    name : str
        The knob, see :func:`lrbound.explore.knobs.find_knob`.
    rate : float
    predict : callable
        From a network to its prediction.
    span : (float, float), optional
        Where to look; by default :func:`lrbound.explore.reach.default_span`.

    Raises
    ------
    SpecError
        Where the spec cannot have a value of the span.
    Refused
        Where there is no such knob, or it takes no numbers.
    """
    knob = find_knob(name, source)
    low, high = span or default_span(source, knob)
    axis = make_axis(source, knob, Range(spaced(low, high, SCAN, _spacing(low, high)), _spacing(low, high)))
    integers = all(isinstance(value, int) for value in axis.values)
    search = _Search(axis, rate, predict)
    places = [float(value) for value in axis.values if not isinstance(value, str)]
    curve = search.whole if integers else search.excess
    flat = _is_flat([curve(place) for place in places])
    found = Roots((), places[0]) if flat else find_roots(curve, places, logarithmic=low > 0.0, integers=integers)
    solutions = search.solutions(found.roots, integers=integers)
    nearest = None if solutions or found.nearest is None else search.at(found.nearest, "neither")
    reason = None if solutions else _reason(knob.label, rate, (low, high), nearest, flat=flat)
    return Solutions(
        source.network().name, knob.label, rate, (low, high), solutions, nearest, reason, search.notes.all()
    )


class _Search:
    """The curve log(max_learning_rate / rate) of a knob."""

    def __init__(self, axis: Axis, rate: float, predict: Predict) -> None:
        self.notes = Notes()
        self._axis = axis
        self._rate = rate
        self._predict = predict
        self._seen: dict[float, float] = {}
        self._warnings: dict[float, tuple[Notice, ...]] = {}

    def excess(self, value: float) -> float:
        """Return the curve; nan where nothing is predicted."""
        if value not in self._seen:
            answer, self._warnings[value] = ask(self._predict, self._axis.network(value))
            largest = answer.max_learning_rate
            known = largest is not None and 0.0 < largest < math.inf
            self._seen[value] = math.log(largest / self._rate) if known and largest is not None else math.nan
        return self._seen[value]

    def whole(self, value: float) -> float:
        """Return the curve of a knob that takes whole numbers."""
        return self.excess(round(value))

    def at(self, value: float, stable: Side) -> Solution:
        """Return the solution at a value."""
        excess = self.excess(value)
        self.notes.add(f"{self._axis.knob.label}={value:.6g}", self._warnings[value])
        return Solution(value, self._rate * math.exp(excess), stable)

    def solutions(self, roots: Sequence[Root], *, integers: bool) -> tuple[Solution, ...]:
        """Return the solutions at roots; a jump across the rate is none for a continuous knob."""
        found = [
            self.at(round(root.value) if integers else root.value, root.stable)
            for root in roots
            if integers or abs(self.excess(root.value)) < ACCURACY
        ]
        return tuple(found)


def _spacing(low: float, high: float) -> str:
    return "log" if low > 0.0 < high else "lin"


def _is_flat(values: Sequence[float]) -> bool:
    """Whether the knob has no influence."""
    known = [value for value in values if not math.isnan(value)]
    return len(known) > 1 and max(known) - min(known) < FLAT


def _reason(label: str, rate: float, span: tuple[float, float], nearest: Solution | None, *, flat: bool) -> str:
    where = f"{label} from {span[0]:g} to {span[1]:g}"
    if nearest is None:
        return f"no largest stable rate is known for any {where}"
    if flat:
        return f"the largest stable rate is {nearest.max_learning_rate:.4g} for all {where}: it does not depend on it"
    side = "above" if nearest.max_learning_rate > rate else "below"
    return (
        f"the largest stable rate stays {side} {rate:g} for all {where}; "
        f"the nearest is {nearest.max_learning_rate:.4g} at {nearest.value:.6g}"
    )
