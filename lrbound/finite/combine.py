"""How the branches meet: a rank-one part beside a semicircle.

A direction of mean value t that is mixed with a bulk of centre B and half width 2 s, s = (de - B)/2, ends at
t + s^2/(t - B) if t - B > s, else it drowns and the edge de is the top (Baik, Ben Arous and Peche 2005). The coherent
direction is mixed with the whole spectrum, so B is its mean; a sample's own top is mixed with other samples' tops, so B
is the mean grown by the backward chains. What couples either to single
samples pushes it up as two levels push each other apart. Status: a sketch with the right limits; where lo and de are within 20 %
of each other it is up to 10 % low.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

Branch = Literal["co", "lo", "de"]


class Combined(NamedTuple):
    """The largest eigenvalue, and the branch that it belongs to."""

    value: float
    branch: Branch


def combine(
    co: float, lo: float, de: float, mean: float, centre: float, *, beside_co: float = 0.0, beside_lo: float = 0.0
) -> Combined:
    """Return the largest eigenvalue from the three branches.

    Parameters
    ----------
    co, lo, de : float
    mean : float
        Mean of the complement's spectrum, sum b_l.
    centre : float
        The same, grown by the backward chains.
    beside_co, beside_lo : float
        Sums of squares that couple ``co`` and ``lo`` to single samples (see :mod:`lrbound.finite.mixing`).
    """
    tops: dict[Branch, float] = {
        "co": _pushed(co, de, mean, centre, beside_co),
        "lo": _pushed(lo, de, centre, centre, beside_lo),
    }
    branch = max(tops, key=lambda name: (tops[name], name == "co" and co > lo))
    return Combined(tops[branch], "de" if de > max(co, lo) and tops[branch] == de else branch)


def _pushed(top: float, de: float, below: float, centre: float, coupling: float) -> float:
    """Return a top above a semicircle around ``below`` that ends at ``de``, pushed up by what it is coupled to."""
    spread, excess = 0.5 * max(de - below, 0.0), top - below
    if excess <= spread:
        return max(de, top)
    # single samples lie at ``centre``: the larger root of (x - top) (x - centre) = coupling
    apart = top - centre
    push = 0.5 * (math.hypot(apart, 2.0 * math.sqrt(coupling)) - apart) if coupling > 0.0 else 0.0
    return top + spread * spread / excess + push
