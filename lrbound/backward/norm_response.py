"""How a layer answers to a sample that is not like the others: its squared distance from the batch's mean, and its gain.

With d = ln t, t a sample's squared distance over the mean of the batch, a layer takes d to a new one and multiplies the
sample's squared gradient by exp(gain). To first order these are the slopes of :class:`~lrbound.backward.norm_transfer.NormTransfer`; here
they are functions, because samples that stand out in deep nets are far from the mean.

    activation   u = m + sqrt(t s^2) z with m shared by the batch: E (phi - hb(m))^2 and E phi'^2, hb(m) the mean at t = 1;
    statistics   of a unit over n samples, v = (t w + (n - t) w')/n with w the mean of z^2 over the positions of the sample,
                 w' over those of the others: E t w/v, and what is left of a squared gradient, 1 - E t w/v/(M + 1), M values in the statistics. (The
                 mean of 1/v over the units is the same for all samples.)

Status: derived, with the other samples alike; w is a squared normal number for one position, and Wilson and Hilferty's cube
(1931) of one for more.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lrbound.meanfield.normal import cdf, trapezoid

if TYPE_CHECKING:
    from lrbound.backward.norm_transfer import NormTransfer
    from lrbound.meanfield.gaussian import Curve
    from lrbound.meanfield.positions import Array

GRID = np.linspace(-6.0, 6.0, 33)
"""d; what lies beyond is taken as its end."""
LEAST = 1e-12
MOST = 0.95
"""Share of a batch's squares that one sample has at most: with all of them it would have no gradient."""


class Response(NamedTuple):
    """The new d and the gain on ``GRID``, both 0 at d = 0."""

    distance: Array
    gain: Array


@lru_cache(maxsize=256)
def of_activation(curve: Curve, mean: float, q: float, x: float) -> Response:
    """Return the response of an activation to values of this mean, variance, and covariance between samples."""
    shared = min(max(x, 0.0), q)
    z, weights = trapezoid(6.0, 81)
    m, of_m = trapezoid(4.0, 17) if shared > 1e-9 * q else (np.zeros(1), np.ones(1))
    centre, spread = mean + np.sqrt(shared) * m, np.sqrt(max(q - shared, LEAST * q) * np.exp(GRID))[:, None]
    u = centre[:, None] + spread[:, :, None] * z
    value = curve.value(u)
    middle = (value[len(GRID) // 2] @ weights)[:, None]
    # jumps of phi'^2 are taken apart, which nodes would see in steps
    steady, jumps = curve.slope(u) ** 2, np.zeros((len(GRID), 1))
    for place, _ in curve.kinks:
        below, above = curve.slope(place + LEAST * spread[0] * np.array([-1.0, 1.0])) ** 2
        steady -= (above - below) * np.heaviside(u - place, 0.5)
        jumps = jumps + (above - below) * cdf((centre - place) / spread)
    gain = steady @ weights + jumps
    return _from_middle((value - middle) ** 2 @ weights @ of_m, gain @ of_m)


@lru_cache(maxsize=256)
def of_statistics(samples: float, number: float) -> Response:
    """Return the response of statistics over a batch.

    Parameters
    ----------
    samples : float
        n.
    number : float
        How many independent squares a batch variance averages; n - 1 for flat features.
    """
    each = max((number + 1.0) / samples, 1.0)
    (own, weights), (others, of_others) = _squares(each, 81), _squares(each * (samples - 1.0), 17)
    t = np.minimum(np.exp(GRID), MOST * samples)[:, None, None]
    rest = (samples - t) * others[:, None]
    share = samples * t * own / (t * own + rest) @ weights @ of_others
    return _from_middle(share, 1.0 - share / (number + 1.0))


def _squares(count: float, nodes: int) -> tuple[Array, Array]:
    """Return nodes and weights of a mean over the mean of so many squared normal numbers."""
    z, weights = trapezoid(6.0, nodes)
    part = 2.0 / (9.0 * count)
    return (z * z if count < 1.5 else np.maximum(1.0 - part + z * np.sqrt(part), 1e-3) ** 3), weights


def of_slopes(passing: NormTransfer) -> Response:
    """Return the response of a layer of which the slopes are known alone."""
    return Response(passing.norm_slope * GRID, passing.gain_slope * GRID)


def _from_middle(distance: Array, gain: Array) -> Response:
    middle = len(GRID) // 2
    distance, gain = (np.log(np.maximum(part, LEAST * part[middle])) for part in (distance, gain))
    return Response(distance - distance[middle], gain - gain[middle])
