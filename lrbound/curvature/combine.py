"""How the branches meet: a rank-one part beside a semicircle.

A direction of mean value t that is mixed with a bulk of centre B and half width 2 s, s = (de - B)/2, ends at
t + s^2/(t - B) if t - B > s, else it is absorbed by the bulk and the edge de is the top (Baik, Ben Arous and Peche 2005). The coherent
direction is mixed with the whole spectrum, so B is its mean, but only the layers in which it has a gradient push it; a
sample's own top is mixed with other samples' tops, so B is the mean grown by the backward chains.

Single samples, coupled to it by the sum of squares K, push the coherent direction up by K/(co - B): to first order that is
second-order perturbation, and for a spike and noise it is exact, since what is mixed in moves up by as much (K = (A - X) X N,
co - B = X N for one layer; :mod:`lrbound.curvature.coupling`). B is the grown mean, because the samples are met in the
combination of outputs that is largest. It is never more than two levels push each other apart of which the lower is the top of
the rest of the spectrum, x (x + co - max(lo, de)) = K. What couples the best sample pushes it up as two levels do.

The mean over initialisations of the larger of co and the rest is more than the larger mean where they meet, because either
can be on top. Of the logarithm of their ratio s is the standard deviation, and with d = ln(x/y)/s

    E max(x, y) = x Phi(d + s/2) + y Phi(s/2 - d)            (Margrabe 1978, for log-normal x and y).

s is taken as that of the rest, because co varies less, and in part by what the rest has in common with it (48 initialisations
of six small convolutional nets: standard deviations of 0.07 to 0.11 for co, 0.22 to 0.32 for the rest, and 0.84 to 0.94 of the
latter for the ratio).

Status: a sketch with the right limits; low where lo and de are close to each other.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

Branch = Literal["coherent", "localized", "delocalized"]


class Combined(NamedTuple):
    """The mean of the largest eigenvalue, and the branch that is larger in the mean."""

    value: float
    branch: Branch


def combine(
    co: float,
    lo: float,
    de: float,
    mean: float,
    centre: float,
    *,
    met: float = math.inf,
    coherent_coupling_sq: float = 0.0,
    localized_coupling_sq: float = 0.0,
    spread: float = 0.0,
) -> Combined:
    """Return the largest eigenvalue from the three branches.

    Parameters
    ----------
    co, lo, de : float
    mean : float
        Mean of the complement's spectrum, sum b_l.
    centre : float
        The same, grown by the backward chains.
    met : float
        Half width of the part of the spectrum that the coherent direction meets, at most that of the whole.
    coherent_coupling_sq, localized_coupling_sq : float
        Sums of squares that couple ``co`` and ``lo`` to single samples (see :mod:`lrbound.curvature.coupling`).
    spread : float
        Standard deviation of the logarithm of the branches beside co over initialisations.
    """
    to_mean, to_centre = (0.5 * max(de - below, 0.0) for below in (mean, centre))
    along, apart = co, lo
    if co - mean > (half := min(met, to_mean)):
        # the direction has left the bulk to the part 1 - (half/(co - mean))^2, and is coupled by no more than twice that
        coupled = coherent_coupling_sq * min(2.0 * (1.0 - (half / (co - mean)) ** 2), 1.0)
        free = coupled / (co - centre) if co > centre else math.inf
        along += half**2 / (co - mean) + min(free, _apart(max(co - max(lo, de), 0.0), coupled))
    if lo - centre > to_centre:
        apart += to_centre**2 / (lo - centre) + _apart(lo - centre, localized_coupling_sq)
    apart = max(apart, de)
    branch: Branch = (
        "coherent"
        if along > apart or (along == apart and co > lo)
        else "localized"
        if apart > de or lo > de
        else "delocalized"
    )
    return Combined(_larger(along, apart, spread), branch)


def _larger(one: float, other: float, spread: float) -> float:
    """Return the mean of the larger of two log-normal numbers, ``spread`` being that of the logarithm of their ratio."""
    if not (spread > 0.0 and one > 0.0 and other > 0.0):
        return max(one, other)
    away = math.log(one / other) / spread
    first, second = (0.5 * math.erfc(-(0.5 * spread + side) * math.sqrt(0.5)) for side in (away, -away))
    return one * first + other * second


def _apart(distance: float, coupling: float) -> float:
    """Return by how much a coupling pushes the upper of two levels up: the larger root of x (x + distance) = coupling."""
    return 0.5 * (math.hypot(distance, 2.0 * math.sqrt(coupling)) - distance)
