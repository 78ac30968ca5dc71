"""lambda_max and the learning rates along one or two knobs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lrbound.explore.answer import Answer, ask
from lrbound.explore.axis import Axis, make_axis
from lrbound.explore.knobs import Knob, find_knob
from lrbound.explore.notes import Notes
from lrbound.explore.source import named_apart
from lrbound.markup import html_table, rounded
from lrbound.notices import Notice
from lrbound.spec import SpecError

if TYPE_CHECKING:
    from lrbound.explore.ranges import Range, Value
    from lrbound.explore.source import Predict, Source

DENSE = 400
"""From so many values of a continuous knob on, most are read off series through predictions."""

NO_SUCH_FIELD = "nothing in the spec matches"

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Point:
    """One prediction of a sweep.

    Attributes
    ----------
    spec : str
        Name of the network.
    values : tuple of float, int or str
        The knobs' values, in their order.
    answer : Answer
    """

    spec: str
    values: tuple[Value, ...]
    answer: Answer


@dataclass(frozen=True)
class Sweep:
    """Predictions along knobs.

    Attributes
    ----------
    knobs : tuple of str
        One or two paths.
    logarithmic : bool
        Whether the values of the first knob are at equal ratios.
    points : tuple of Point
        Spec by spec; the first knob changes fastest.
    warnings : tuple of Notice
    """

    knobs: tuple[str, ...]
    logarithmic: bool
    points: tuple[Point, ...]
    warnings: tuple[Notice, ...]

    @property
    def specs(self) -> tuple[str, ...]:
        """Names of the networks."""
        return tuple(dict.fromkeys(point.spec for point in self.points))

    def _repr_html_(self) -> str:
        """Return what a notebook shows: all points as a table."""
        titles = ("network", *self.knobs, "lambda_max", "max learning rate", "recommended learning rate")
        return html_table(titles, [[p.spec, *map(rounded, (*p.values, *p.answer))] for p in self.points])

    def lines(self) -> dict[tuple[str, Value | None], list[Point]]:
        """Return the points by spec and value of the second knob."""
        found: dict[tuple[str, Value | None], list[Point]] = {}
        for point in self.points:
            found.setdefault((point.spec, point.values[1] if len(point.values) > 1 else None), []).append(point)
        return found


def no_progress(done: int, expected: int) -> None:
    """Ignore how far it is."""
    del done, expected


def sweep(
    sources: Sequence[Source],
    varied: Sequence[tuple[str, Range]],
    predict: Predict,
    progress: Progress = no_progress,
) -> Sweep:
    """Predict along one or two knobs.

    Parameters
    ----------
    sources : sequence of Source
        One or more specs.
    varied : sequence of (str, Range)
        Names of the knobs (see :func:`lrbound.explore.knobs.find_knob`) and their values; one or two.
    predict : callable
        From a network to its prediction.
    progress : callable
        Called with the number of points that are done and their number in all.

    Returns
    -------
    Sweep
        Every point is what ``predict`` says of the network there: itself up to ``DENSE`` values of a continuous knob,
        to 1e-8 of it above, or to about 1e-6 with a warning where predictions make small steps.

    Raises
    ------
    SpecError
        Where a spec cannot have a value.
    Refused
        Where there is no such knob, or two networks have one name.
    """
    notes, logarithmic = Notes(), False
    points: list[Point] = []
    labels: tuple[str, ...] = ()
    for index, source in enumerate(named_apart(sources)):
        for axis, second in _axes(source, varied, notes if index else None):
            if not index:
                labels = (axis.knob.label, *(find_knob(name, source).label for name, _ in varied[1:]))
                logarithmic = axis.logarithmic
            points += _Line(axis, predict, notes, second).points()
            progress(len(points), len(sources) * math.prod(len(span.values) for _, span in varied))
    return Sweep(labels, logarithmic, tuple(points), notes.all())


def _axes(
    source: Source, varied: Sequence[tuple[str, Range]], notes: Notes | None
) -> Iterator[tuple[Axis, tuple[Value, ...]]]:
    """Yield the axis of the first knob at each value of the second, if there is one.

    With ``notes``, a spec that has no such knob stays as it is along it, and the notes say so.
    """
    (name, span), *others = varied
    knob = _knob(source, name, span, notes)
    if not others:
        yield make_axis(source, knob, span), ()
        return
    outer = make_axis(source, _knob(source, *others[0], notes), others[0][1])
    for value in outer.values:
        outer.network(value)  # where it is wrong, the message is about this knob
        yield make_axis(source.plus(*outer.knob.at(value)), knob, span), (value,)


def _knob(source: Source, name: str, span: Range, notes: Notes | None) -> Knob:
    knob = find_knob(name, source)
    if notes is not None:
        try:
            source.network(*knob.at(span.values[0]))
        except SpecError as error:
            if not all(NO_SUCH_FIELD in one.message for one in error.diagnostics):
                raise
            spec = source.network().name
            notes.say(Notice("LRB062", f"there is no {name}: it is the same at all values", where=spec))
            return Knob(knob.label, ())
    return knob


class _Line:
    """The values of the first knob at one value of the second."""

    def __init__(self, axis: Axis, predict: Predict, notes: Notes, second: tuple[Value, ...]) -> None:
        self._axis = axis
        self._predict = predict
        self._notes = notes
        self._second = second
        self._spec = axis.network(axis.values[0]).name

    def points(self) -> list[Point]:
        values = self._axis.values
        if not self._axis.knob.paths:
            same = self._ask(values[0])
            return [Point(self._spec, (value, *self._second), same) for value in values]
        answers = self._dense() if self._axis.ends is not None and len(values) >= DENSE else None
        if answers is None:
            answers = [self._ask(value) for value in values]
        return [Point(self._spec, (v, *self._second), a) for v, a in zip(values, answers, strict=True)]

    def _ask(self, value: Value) -> Answer:
        answer, warnings = ask(self._predict, self._axis.network(value))
        shown = [value if isinstance(value, str) else f"{value:.6g}" for value in (value, *self._second)]
        self._notes.add(f"{self._axis.knob.label}={' and '.join(shown)}", warnings)
        return answer

    def _dense(self) -> list[Answer] | None:
        """Return the answers by series in the knob or its logarithm; None where there is a point without numbers."""
        import numpy as np

        from lrbound.explore.chebyshev import TOLERANCES, NotSmoothError, evaluate

        values = np.array(self._axis.values, dtype=np.float64)
        logarithmic = bool(values.min() > 0.0)
        order = np.argsort(values, kind="stable")
        exact = values[order]
        places = np.log(exact) if logarithmic else exact

        def logs(place: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
            # a place of the sweep has its own value, not one that a logarithm has rounded
            index = min(int(np.searchsorted(places, place)), len(places) - 1)
            nearest = exact[index] if places[index] == place else (math.exp(place) if logarithmic else place)
            answer = self._ask(float(nearest))
            if not all(number is not None and 0.0 < number < math.inf for number in answer):
                raise NotSmoothError
            return np.log(np.array(answer, dtype=np.float64))

        try:
            logarithms, tolerance = evaluate(logs, places)
        except NotSmoothError:
            return None
        if tolerance > TOLERANCES[0]:
            text = f"points along {self._axis.knob.label} are within {tolerance:g} of what predict says there"
            self._notes.say(Notice("LRB063", text))
        found = np.exp(logarithms)
        answers = np.empty_like(found)
        answers[order] = found
        return [Answer(*row) for row in answers.tolist()]
