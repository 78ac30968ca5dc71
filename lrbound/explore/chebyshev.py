"""A smooth function at very many places from a few evaluations: Chebyshev series on pieces, each checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Function = Callable[[float], Array]

DEGREES = (16, 32, 64)
TOLERANCES = (1e-9, 1e-6)
"""Largest error that a series may show, of a function of order 1. The second is for functions with small steps."""
FEWEST = 400
"""Evaluations that are allowed in any case; beyond them, one for four places."""
PROBES = (0.137, 0.618, 0.923)
"""Where a series is held against the function, as parts of its piece; none is a node."""


class NotSmoothError(ArithmeticError):
    """The function has no value somewhere, or series are no cheaper than evaluating it everywhere."""


def evaluate(function: Function, places: Array) -> tuple[Array, float]:
    """Return the function at sorted places, and the tolerance that was reached.

    Raises
    ------
    NotSmoothError
        Where no tolerance can be reached with few evaluations.
    """
    for tolerance in TOLERANCES:
        counted = _Counted(function, max(FEWEST, len(places) // 4))
        try:
            return within(counted, places, tolerance), tolerance
        except TooManyError:
            continue
    raise NotSmoothError


class TooManyError(ArithmeticError):
    """More evaluations than are allowed."""


class _Counted:
    """A function that may be evaluated so many times."""

    def __init__(self, function: Function, allowed: int) -> None:
        self._function = function
        self._left = allowed

    def __call__(self, place: float) -> Array:
        self._left -= 1
        if self._left < 0:
            raise TooManyError
        return self._function(place)


def within(function: Function, places: Array, tolerance: float) -> Array:
    """Return the function at sorted places to a tolerance.

    A piece is taken as a series where its last coefficients and its error at three probes are below the tolerance,
    halved where they are not, and evaluated place by place once it holds no more places than a series has terms. So a
    kink costs some evaluations around it and no accuracy.

    Parameters
    ----------
    function : callable
        Takes a place and returns an array (m,); raises NotSmoothError where there is no value.
    places : ndarray (n,)
        In ascending order.

    Returns
    -------
    ndarray (n, m)
    """
    if len(places) <= DEGREES[-1] or places[0] == places[-1]:
        return np.stack([function(float(place)) for place in places])
    found = _series(function, places, tolerance)
    if found is not None:
        return found
    cut = int(np.searchsorted(places, 0.5 * (places[0] + places[-1])))
    cut = min(max(cut, 1), len(places) - 1)
    return np.concatenate([within(function, part, tolerance) for part in (places[:cut], places[cut:])])


def _series(function: Function, places: Array, tolerance: float) -> Array | None:
    """Return the values of a series on the whole piece, None where no degree is enough."""
    low, high = float(places[0]), float(places[-1])

    def at(x: float) -> Array:
        # the ends of a piece are places of the sweep: hit them exactly
        return function(low if x <= -1.0 else high if x >= 1.0 else low + 0.5 * (x + 1.0) * (high - low))

    values: dict[float, Array] = {}
    for degree in DEGREES:
        nodes = [np.cos(np.pi * k / degree) for k in range(degree + 1)]
        values |= {x: at(x) for x in map(float, nodes) if x not in values}
        coefficients = _coefficients(np.stack([values[float(x)] for x in nodes]))
        if np.abs(coefficients[-4:]).max() < tolerance:
            return _checked(coefficients, at, 2.0 * (places - low) / (high - low) - 1.0, tolerance)
        if degree > DEGREES[0] and np.abs(coefficients[-4:]).max() > 1e-4:
            return None
    return None


def _coefficients(values: Array) -> Array:
    """Return the coefficients of the polynomial through values at cos(pi k/degree), k from 0."""
    degree = len(values) - 1
    k = np.arange(degree + 1)
    halves = np.where((k == 0) | (k == degree), 0.5, 1.0)
    matrix = np.cos(np.pi * np.outer(k, k) / degree) * halves
    coefficients: Array = 2.0 / degree * halves[:, None] * (matrix @ values)
    return coefficients


def _checked(coefficients: Array, at: Function, x: Array, tolerance: float) -> Array | None:
    from numpy.polynomial.chebyshev import chebval

    probes = np.array([2.0 * probe - 1.0 for probe in PROBES])
    error = chebval(probes, coefficients).T - np.stack([at(float(probe)) for probe in probes])
    values: Array = np.asarray(chebval(x, coefficients).T, dtype=np.float64)
    return values if np.abs(error).max() < tolerance else None
