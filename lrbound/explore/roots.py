"""All roots of a curve that can be seen on a grid, and the place where it is nearest to 0 if it has none."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

Curve = Callable[[float], float]


class Root(NamedTuple):
    """A root, and the side on which the curve is positive there."""

    value: float
    stable: Literal["below", "above", "both", "neither"]


@dataclass(frozen=True)
class Roots:
    """Roots in ascending order; if there are none, where the curve is nearest to 0."""

    roots: tuple[Root, ...]
    nearest: float | None


def find_roots(curve: Curve, places: Sequence[float], *, logarithmic: bool, integers: bool) -> Roots:
    """Find the roots between places.

    Parameters
    ----------
    curve : callable
        nan where there is no value.
    places : sequence of float
        Where to look first, in ascending order.
    logarithmic : bool
        Whether distances are ratios.
    integers : bool
        Whether only whole numbers count; a root is then the last whole number at which the curve is not negative.

    Returns
    -------
    Roots
        Also roots of extrema that reach 0 between two places.
    """
    path = _with_extrema(curve, places, logarithmic=logarithmic, integers=integers)
    values = [(place, curve(place)) for place in path]
    found: dict[float, Root] = {}
    for (left, before), (right, after) in itertools.pairwise(values):
        if before == 0.0 or after == 0.0 or not before * after < 0.0:
            continue
        at = _step(curve, left, right) if integers else _brent(curve, left, right)
        found[at] = Root(at, "below" if before > 0.0 else "above")
    for index, (place, value) in enumerate(values):
        if value == 0.0:
            found[place] = Root(place, _sides(values, index))
    nearest = None if found else _nearest(curve, path, logarithmic=logarithmic, integers=integers)
    return Roots(tuple(found[at] for at in sorted(found)), nearest)


def _with_extrema(curve: Curve, places: Sequence[float], *, logarithmic: bool, integers: bool) -> list[float]:
    """Return the places, and between them those where the curve turns round on its way to 0."""
    path = list(places)
    for left, middle, right in zip(places, places[1:], places[2:], strict=False):
        a, b, c = (abs(curve(place)) for place in (left, middle, right))
        one_sign = curve(left) * curve(middle) > 0.0 and curve(middle) * curve(right) > 0.0
        # a parabola through the three turns at most (a + c - 2b)/8 nearer to 0 than b; some room for other shapes
        if one_sign and not integers and b <= min(a, c) and b < a + c - 2.0 * b:
            path.append(_turn(curve, left, right, logarithmic=logarithmic))
    return sorted(set(path))


def _nearest(curve: Curve, path: list[float], *, logarithmic: bool, integers: bool) -> float | None:
    known = [(abs(curve(place)), place) for place in path if not math.isnan(curve(place))]
    if not known:
        return None
    nearest = min(known)[1]
    index = path.index(nearest)
    if integers or not 0 < index < len(path) - 1:
        return nearest
    turn = _turn(curve, path[index - 1], path[index + 1], logarithmic=logarithmic)
    return turn if abs(curve(turn)) < abs(curve(nearest)) else nearest


def _turn(curve: Curve, left: float, right: float, *, logarithmic: bool) -> float:
    from scipy.optimize import minimize_scalar

    sign = math.copysign(1.0, curve(left))
    inside: Callable[[float], float] = math.exp if logarithmic else float
    ends = (math.log(left), math.log(right)) if logarithmic else (left, right)
    done = minimize_scalar(lambda x: sign * curve(inside(x)), bounds=ends, method="bounded", options={"xatol": 1e-9})
    return inside(float(done.x))


def _brent(curve: Curve, left: float, right: float) -> float:
    from scipy.optimize import brentq

    root: float = brentq(curve, left, right, xtol=1e-300, rtol=8.9e-16)
    return root


def _step(curve: Curve, left: float, right: float) -> float:
    """Return the whole number next to the change of sign at which the curve is positive."""
    low, high = round(left), round(right)
    rising = curve(low) < 0.0
    while high - low > 1:
        middle = (low + high) // 2
        if (curve(middle) < 0.0) == rising:
            low = middle
        else:
            high = middle
    return float(high if rising else low)


def _sides(values: list[tuple[float, float]], index: int) -> Literal["below", "above", "both", "neither"]:
    below = index > 0 and values[index - 1][1] > 0.0
    above = index + 1 < len(values) and values[index + 1][1] > 0.0
    return "both" if below and above else "below" if below else "above" if above else "neither"
