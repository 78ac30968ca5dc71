"""How the branches meet: a rank-one part beside a semicircle.

A direction of mean value t that is mixed with a bulk of centre B and half width 2 s, s = (de - B)/2, ends at
t + s^2/(t - B) if t - B > s, else it drowns and the edge de is the top (Baik, Ben Arous and Peche 2005). The coherent
direction is mixed with the whole spectrum, so B is its mean; a sample's own top is mixed with other samples' tops, so B
is the mean grown by the backward chains. What couples the coherent direction to single samples pushes it up as two levels
push each other apart. Status: a sketch with the right limits; where lo and de are within 20 % of each other it is up to 10 % low.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

Branch = Literal["co", "lo", "de"]


class Combined(NamedTuple):
    """The largest eigenvalue, and the branch that it belongs to."""

    value: float
    branch: Branch


def combine(co: float, lo: float, de: float, mean: float, centre: float, coupling: float = 0.0) -> Combined:
    """Return the largest eigenvalue from the three branches.

    Parameters
    ----------
    co, lo, de : float
    mean : float
        Mean of the complement's spectrum, sum b_l.
    centre : float
        The same, grown by the backward chains.
    coupling : float
        Sum of squares that couples the coherent direction to single samples (see :mod:`lrbound.finite.mixing`).
    """
    branch: Branch = "co" if co > lo else "lo"
    top, below = (co, mean) if co > lo else (lo, centre)
    spread, excess = 0.5 * max(de - below, 0.0), top - below
    if excess <= spread:
        return Combined(max(de, top), branch if top >= de else "de")
    value = top + spread * spread / excess
    if co > lo and coupling > 0.0:
        # the other directions lie at ``centre``: the larger root of (x - top) (x - centre) = coupling
        apart = top - centre
        value += 0.5 * (math.hypot(apart, 2.0 * math.sqrt(coupling)) - apart)
    return Combined(value, branch)
