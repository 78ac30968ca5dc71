"""How the branches meet: a rank-one part beside a semicircle.

A direction of mean value t that is mixed with a bulk of centre B and half width 2 s, s = (de - B)/2, ends at
t + s^2/(t - B) if t - B > s, else it drowns and the edge de is the top (Baik, Ben Arous and Peche 2005). The coherent
direction is mixed with the whole spectrum, so B is its mean, but only the layers in which it has a gradient push it; a
sample's own top is mixed with other samples' tops, so B is the mean grown by the backward chains. What couples either to
single samples pushes it up as two levels push each other apart.

The mean over initialisations of the larger of co and the rest is more than the larger mean where they meet, because either
can be on top. Of the logarithm of their ratio s is the standard deviation, and with d = ln(x/y)/s

    E max(x, y) = x Phi(d + s/2) + y Phi(s/2 - d)            (Margrabe 1978, for log-normal x and y).

s is taken as that of the rest, because co varies less, and in part by what the rest has in common with it (48 initialisations
of six small convolutional nets: standard deviations of 0.07 to 0.11 for co, 0.22 to 0.32 for the rest, and 0.84 to 0.94 of the
latter for the ratio).

Status: a sketch with the right limits; where lo and de are within 20 % of each other it is up to 10 % low.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

Branch = Literal["co", "lo", "de"]


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
    beside_co: float = 0.0,
    beside_lo: float = 0.0,
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
    beside_co, beside_lo : float
        Sums of squares that couple ``co`` and ``lo`` to single samples (see :mod:`lrbound.finite.mixing`).
    spread : float
        Standard deviation of the logarithm of the branches beside co over initialisations.
    """
    to_mean, to_centre = (0.5 * max(de - below, 0.0) for below in (mean, centre))
    along = _pushed(co, co - mean, min(met, to_mean), co - centre, beside_co)
    apart = max(_pushed(lo, lo - centre, to_centre, lo - centre, beside_lo), de)
    branch: Branch = "co" if along > apart or (along == apart and co > lo) else "lo" if apart > de or lo > de else "de"
    return Combined(_larger(along, apart, spread), branch)


def _larger(one: float, other: float, spread: float) -> float:
    """Return the mean of the larger of two log-normal numbers, ``spread`` being that of the logarithm of their ratio."""
    if not (spread > 0.0 and one > 0.0 and other > 0.0):
        return max(one, other)
    away = math.log(one / other) / spread
    first, second = (0.5 * math.erfc(-(0.5 * spread + side) * math.sqrt(0.5)) for side in (away, -away))
    return one * first + other * second


def _pushed(top: float, excess: float, spread: float, apart: float, coupling: float) -> float:
    """Return a top pushed up by a semicircle that it stands above by ``excess``, and by samples ``apart`` from it."""
    if excess <= spread:
        return top
    # the larger root of (x - top) (x - top + apart) = coupling
    push = 0.5 * (math.hypot(apart, 2.0 * math.sqrt(coupling)) - apart) if coupling > 0.0 else 0.0
    return top + spread * spread / excess + push
