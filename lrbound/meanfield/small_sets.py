"""Small sets of channels: the part of them that all positions share makes s^2 vary from set to set.

A set of S channels whose values have a part u_j ~ N(0, chi) in common over positions (and samples) has
s^2 = w + |u - mean u|^2/S. Averages of the gradient's damping over this mixture differ from those of a Gaussian with
one s^2 by a factor R1/R0 (lrbound/theory/normalisers.md, section 4; without it measured networks lie 9 to 12 % lower at
S = 2, with it within 2 %). With the activation's slope p and value h given u, both of a relu,

    R1 = E[(1/s^2)(1/S) sum_jk M_jk^2],     M_jk = [j = k] p_j - p_k/S - m_j h_k/S,     m = (u - mean u)/s.

For another activation above the relu's ratio is taken.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lrbound.meanfield.normal import cdf, density, quantile

if TYPE_CHECKING:
    from lrbound.meanfield.positions import Array

DRAWS = 4096
_PRIMES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37)


@dataclass(frozen=True)
class Mixture:
    """Sets of ``channels`` with the variance ``common`` of what all positions share and ``own`` of the rest."""

    channels: int
    common: float
    own: float

    def factor(self, *, rectified: bool) -> float:
        """Return R1/R0 for the gradient's part that is equal at all positions."""
        return _factor(self.channels, self._share, rectified=rectified)

    def kurtosis(self, *, rectified: bool) -> float:
        """Return S E tr Q^2/(E tr Q)^2 over E p^4/(E p^2)^2, Q = M'M/s^2: what the coupling of a set's channels adds."""
        return _kurtosis(self.channels, self._share, rectified=rectified)

    @property
    def _share(self) -> float:
        return round(self.common / (self.common + self.own), 6)


@lru_cache(maxsize=256)
def _factor(s: int, chi: float, *, rectified: bool) -> float:
    drawn = _drawn(s, chi, rectified=rectified)
    true = float(drawn.weights @ (drawn.squares / s / drawn.variance))
    c = float(drawn.weights @ (drawn.mean**2).mean(axis=1))
    if rectified:
        b = 0.25 + math.asin(c) / (2.0 * math.pi)
        z = math.sqrt(1.0 - c * c) / (2.0 * math.pi) + c * b
        k = z - c * b
    else:
        b, k, z = 1.0, 0.0, c
    damped = b + (c * z + 2.0 * c * c * (b + k) / s - 2.0 * c * (b + k)) / s
    return true / (float(drawn.weights @ (1.0 / drawn.variance)) * (1.0 - 1.0 / s) * damped)


@lru_cache(maxsize=256)
def _kurtosis(s: int, chi: float, *, rectified: bool) -> float:
    drawn = _drawn(s, chi, rectified=rectified)
    fourth = ((drawn.matrix.swapaxes(1, 2) @ drawn.matrix) ** 2).sum(axis=(1, 2))
    coupled = s * float(drawn.weights @ (fourth / drawn.variance**2))
    coupled /= float(drawn.weights @ (drawn.squares / drawn.variance)) ** 2
    single = float(drawn.weights @ (drawn.slope**4).mean(axis=1))
    return coupled * float(drawn.weights @ (drawn.slope**2).mean(axis=1)) ** 2 / single


class _Drawn(NamedTuple):
    """Sets of channels: weight, s^2, m, p and M of each."""

    weights: Array
    variance: Array
    mean: Array
    slope: Array
    matrix: Array

    @property
    def squares(self) -> Array:
        """Return tr M'M."""
        return np.asarray((self.matrix**2).sum(axis=(1, 2)))


def _drawn(s: int, chi: float, *, rectified: bool) -> _Drawn:
    w = 1.0 - chi
    u, weights = _draws(s)
    u = math.sqrt(chi) * u
    variance = w + (u**2).mean(axis=1)
    m = u / np.sqrt(variance)[:, None]
    if rectified:
        rest = math.sqrt(w) / np.sqrt(variance)[:, None]
        p = cdf(m / rest)
        h = m * p + rest * density(m / rest)
    else:
        p, h = np.ones_like(m), m
    matrix = np.eye(s) * p[:, :, None] - (p[:, None, :] + m[:, :, None] * h[:, None, :]) / s
    return _Drawn(weights, variance, m, p, matrix)


@lru_cache(maxsize=16)
def _draws(s: int) -> tuple[Array, Array]:
    """Return draws of u - mean u for u ~ N(0, 1)^S, and their weights."""
    if s == 2:
        nodes, weights = np.polynomial.hermite_e.hermegauss(61)
        d = nodes / math.sqrt(2.0)
        return np.stack([d, -d], axis=1), weights / weights.sum()
    # a Kronecker sequence: even in every projection, without a table
    points = (np.arange(1, DRAWS + 1)[:, None] * np.sqrt(np.array(_PRIMES[:s], dtype=float)) + 0.5) % 1.0
    u = quantile(points)
    return u - u.mean(axis=1, keepdims=True), np.full(DRAWS, 1.0 / DRAWS)
