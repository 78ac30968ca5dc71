"""Moments of one unit that the spread needs beyond those of the kernels: fourth powers, and means given the batch mean.

A unit of a stage holds u = m + s z in sample x: m ~ N(mean, x_u) is shared by the batch, z ~ N(0, 1) is the sample's own
and s^2 = q_u - x_u. Given m,

    hb(m) = E phi(u),   p(m) = E phi'(u),   p_k(m) = E phi'(u)^k,   v(m) = Var phi(u).

From them (derived, exact up to quadrature; ReLU without shared part: 2, 1, 4.41, 1, 0.53, 1, 0)

    one      E phi'^4 / (E phi'^2)^2: kurtosis of the slopes of one sample
    mean     the same of the slope averaged over a batch of n; 1 where nothing is shared and n is large
    norm     E_m Var((phi - hb)^2 | m) / (E v)^2: how a sample's norm |h - mean|^2 varies from unit to unit
    gain     E_m Var(phi'^2 | m) / (E phi'^2)^2: how its gain |phi'|^2 varies
    both     their covariance
    norm_slope, gain_slope   d ln E v / d ln s^2 and d ln E phi'^2 / d ln s^2 at a fixed law of m
    shared   relative variance over the units of the squared mean over the batch, (mean of phi)^2
    shared_both              its covariance with the squared mean slope
    overlap  relative variance of phi times the mean over the batch from sample to sample, E v hb^2 / (E hb^2 + E v/n)^2
    overlap_slope, overlap_own   d ln / d ln x and d ln / d ln s^2 of E phi hb, x and s^2 those of one sample
    overlap_norm             covariance of that product with the sample's norm, relative to both
    overlap_gain             d ln / d c of E phi' phi'' of two samples, c the change of their covariance over s^2
    shared_slope, mean_slope   d ln / d ln t of E hb^2 and E p^2 if x and q are both multiplied by t

The derivatives are E (z^2 - 1) f / 2 (Stein). The quadrature is the trapezoid rule, which converges faster than any
power for smooth functions and leaves below 1 % at the jump of a slope.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lrbound.meanfield.normal import trapezoid

if TYPE_CHECKING:
    from lrbound.meanfield.gaussian import Curve
    from lrbound.meanfield.positions import Array


class Unit(NamedTuple):
    """See the module; all are numbers without dimension."""

    one: float
    mean: float
    norm: float
    gain: float
    both: float
    norm_slope: float
    gain_slope: float
    shared: float
    shared_both: float
    overlap: float
    overlap_slope: float
    overlap_own: float
    overlap_norm: float
    overlap_gain: float
    shared_slope: float
    mean_slope: float

    def under_masks(self, kurtosis: float) -> Unit:
        """Return the slopes' moments for one sample with random masks of this kurtosis on top."""
        return self._replace(one=self.one * kurtosis, gain=(self.gain + 1.0) * kurtosis - 1.0)

    def at_fixed_norm(self, share: float, overlap: float) -> Unit:
        """Return the moments on units that have the share ``share`` of a Gaussian vector's variance of norms less.

        A norm^2 of N Gaussian units has the relative variance 2/N, of which a function whose mean goes with the power a of the norm^2
        has 2 a^2/N; ``overlap`` is the same of the product with the mean over the batch, times N.
        """
        once = 2.0 * share
        return self._replace(
            norm=max(self.norm - once * self.norm_slope**2, 0.0),
            gain=max(self.gain - once * self.gain_slope**2, 0.0),
            both=self.both - once * self.norm_slope * self.gain_slope,
            shared=max(self.shared - once * self.shared_slope**2, 0.0),
            shared_both=self.shared_both - once * self.shared_slope * self.mean_slope,
            overlap=max(self.overlap - share * self.overlap_slope**2 * overlap, 0.0),
        )


LINEAR = Unit(1.0, 1.0, 2.0, 0.0, 0.0, 1.0, 0.0, 2.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
"""A stage without activation: the norm of a Gaussian vector, no masks."""


class _Given(NamedTuple):
    """Moments given m, one entry a node of m."""

    values: Array  # E phi^k, k = 1 .. 4
    slopes: Array  # E phi'^k
    variance: Array
    third: Array  # E (phi - hb)^3
    fourth: Array  # E (phi - hb)^4
    mixed: Array  # E (phi - hb)^2 phi'^2
    widened: Array  # d variance / d ln s^2
    steepened: Array  # d E phi'^2 / d ln s^2
    moved: Array  # d (hb, p) / d ln s^2
    bend: Array  # s E phi''


def _given(curve: Curve, u: Array, z: Array, weights: Array) -> _Given:
    value, slope = curve.value(u), curve.slope(u)
    square = slope * slope
    values, slopes = _powers(value, weights), _powers(slope, weights)
    stein = 0.5 * (z * z - 1.0) * weights
    moved = np.stack([value @ stein, slope @ stein])
    value = value - values[0][:, None]
    away = value * value
    return _Given(
        values,
        slopes,
        away @ weights,
        (away * value) @ weights,
        (away * away) @ weights,
        (away * square) @ weights,
        away @ stein,
        square @ stein,
        moved,
        slope @ (z * weights),
    )


def _powers(values: Array, weights: Array) -> Array:
    square = values * values
    return np.stack([values @ weights, square @ weights, (square * values) @ weights, (square * square) @ weights])


@lru_cache(maxsize=256)
def unit(curve: Curve, mean: float, q: float, x: float, samples: float) -> Unit:
    """Return the moments for u of mean ``mean``, variance ``q``, and covariance ``x`` between the batch's samples.

    A ``curve`` must be hashable; ``q`` and ``x`` are central moments.
    """
    shared = min(max(x, 0.0), q)
    own = q - shared
    if q <= 0.0:
        return LINEAR
    z, z_weights = trapezoid(7.0, 280)
    m, weights = trapezoid(5.0, 41) if shared > 1e-9 * q else (np.zeros(1), np.ones(1))
    centre = mean + np.sqrt(shared) * m[:, None]
    at = _given(curve, centre + np.sqrt(own) * z, z, z_weights)
    p2, p4 = float(at.slopes[1] @ weights), float(at.slopes[3] @ weights)
    v = float(at.variance @ weights)
    if p2 <= 0.0 or v <= 1e-14 * q * p2:
        return LINEAR
    return Unit(
        one=p4 / p2**2,
        mean=_averaged(at.slopes, samples, weights),
        norm=float((at.fourth - at.variance**2) @ weights) / v**2,
        gain=float((at.slopes[3] - at.slopes[1] ** 2) @ weights) / p2**2,
        both=float((at.mixed - at.variance * at.slopes[1]) @ weights) / (v * p2),
        norm_slope=float(at.widened @ weights) / v,
        gain_slope=float(at.steepened @ weights) / p2,
        shared=_averaged(at.values, samples, weights) - 1.0,
        shared_both=_covariance(at.values[0] ** 2, at.slopes[0] ** 2, weights),
        overlap=_quotient(float(at.variance * at.values[0] ** 2 @ weights), _whole(at, samples, weights) ** 2),
        overlap_slope=_relative(at.slopes[0] * (centre - mean)[:, 0], at.values[0], weights, 1.0),
        overlap_own=_quotient(float((at.moved[0] * at.values[0]) @ weights), _whole(at, samples, weights)),
        overlap_norm=_quotient(float(at.third * at.values[0] @ weights), v * _whole(at, samples, weights)),
        overlap_gain=float(at.bend**2 @ weights) / max(float(at.slopes[0] ** 2 @ weights), 1e-12),
        shared_slope=_scaling(at.values[0], at.moved[0], m, weights),
        mean_slope=_scaling(at.slopes[0], at.moved[1], m, weights),
    )


def _covariance(one: Array, other: Array, weights: Array) -> float:
    product = float(one @ weights) * float(other @ weights)
    return float((one * other) @ weights) / product - 1.0 if product > 0.0 else 0.0


def _whole(at: _Given, samples: float, weights: Array) -> float:
    return float((at.values[0] ** 2 + at.variance / samples) @ weights)


def _quotient(numerator: float, denominator: float) -> float:
    return numerator / denominator if denominator > 0.0 else 0.0


def _relative(moved: Array, mean: Array, weights: Array, otherwise: float) -> float:
    square = float(mean**2 @ weights)
    return float((moved * mean) @ weights) / square if square > 1e-12 else otherwise


def _scaling(mean: Array, moved: Array, m: Array, weights: Array) -> float:
    """Return d ln E mean^2 / d ln t: the law of m widens, and so does that of z."""
    total = float(mean**2 @ weights)
    change = (
        float((0.5 * (m * m - 1.0) * mean**2 + 2.0 * mean * moved) @ weights)
        if len(m) > 1
        else 2.0 * float(mean @ moved)
    )
    return change / total if total > 1e-12 else 1.0


def _averaged(moments: Array, samples: float, weights: Array) -> float:
    """Return E a^4 / (E a^2)^2 of the average a of ``samples`` independent values with these moments, exactly."""
    e = 1.0 / samples
    e1, e2, e3 = 1.0 - e, 1.0 - 2.0 * e, 1.0 - 3.0 * e
    p1, p2, p3, p4 = moments
    second = e * p2 + e1 * p1**2
    fourth = e**3 * p4 + e1 * (e * e * (4.0 * p3 * p1 + 3.0 * p2**2) + e2 * (6.0 * e * p2 * p1**2 + e3 * p1**4))
    squared = float(second @ weights) ** 2
    return float(fourth @ weights) / squared if squared > 0.0 else 1.0
