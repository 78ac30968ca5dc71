"""Laws of units that are not Gaussian: quantile functions on a grid, and pairs of them under a Gaussian copula.

A ReLU'd residual stream is not Gaussian across units, because no random matrix refreshes it. Unit by unit it is the
Markov chain u' = relu(u) + g with a Gaussian branch g (lrbound/theory/mean-field.md, section 5). One unit's law is its
quantile function T(zeta) at standard normal zeta; two positions (or samples) are tied by a Gaussian copula of
correlation r, found from their covariance (lrbound/theory/finite-conv.md, section 2).

Status: exact for one position and one sample apart from the grid; the copula is an approximation, within 4 % of
measured nets.
"""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from lrbound.meanfield.histories import distinct
from lrbound.meanfield.normal import cdf, quantile
from lrbound.meanfield.normal import density as normal_density

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lrbound.meanfield.positions import Array

NODES = np.linspace(-5.5, 5.5, 61)
"""zeta; odd in number and symmetric, so that the median is a node."""
STEP = float(NODES[1] - NODES[0])
WEIGHTS = np.exp(-0.5 * NODES**2) / np.exp(-0.5 * NODES**2).sum()
TERMS = 24
"""Hermite coefficients of a function of zeta."""
TAIL_POWER = 1.7 * TERMS
"""Power of r on what the coefficients miss of the second moment."""
ACCURACY = 1e-8
"""Of a pair moment in units of the mean square, where terms of its series are left out."""
FAINTEST = -80.0
"""Logarithm from which on a density is taken for 0: single precision ends at -87."""
SMALL = 0.05
"""Variance of g over that of T up to which the density of T + g shows the single nodes of T."""
NEWTON_STEPS = 2
ROWS = 8
"""Laws that are widened at a time: what stays in the cache is several times faster."""
DIGITS = 3
"""Digits to which laws agree that are computed once."""


def mean(values: Array) -> Array:
    """Return E T(zeta), shape (...,) from (..., nodes)."""
    return values @ WEIGHTS


def variance(values: Array) -> Array:
    """Return Var T(zeta)."""
    return (values - mean(values)[..., None]) ** 2 @ WEIGHTS


def add_gaussian(values: Array, variances: Array) -> Array:
    """Return the quantile function of T(zeta) + g for an independent centred Gaussian g.

    Parameters
    ----------
    values : ndarray (m, nodes)
        Any function of zeta; it need not be monotone.
    variances : ndarray (m,)
        Variance of g; where it is 0 the values are returned as they are, sorted.

    Notes
    -----
    The distribution function F(y) = sum_i w_i Phi((y - T_i)/s) is inverted by cubics in the coordinate Phi^-1(F(y)), in
    which a Gaussian is a straight line, with F' for their slopes. The points y are near every second of the quantiles that
    are looked for: those of T + s zeta, shrunk to the variance of the sum. Forty steps with a relu between them leave an
    error of 2e-4 of the standard deviation, and of 5e-6 in P(u > 0); where g has a thirtieth of the variance of T, P(u > 0)
    is within 2e-3 of draws, with a 300th within 0.04, with a 3000th up to 0.13 too high.
    Sums that agree apart from mean and scale are computed once: mean and variance are made exact at the end.
    """
    out = np.sort(values, axis=-1)
    wider = np.flatnonzero(variances > 1e-12 * np.maximum(variance(values), 1e-300))
    own, more = np.maximum(variance(out[wider])[:, None], 1e-300), variances[wider, None]
    shape = (out[wider] - mean(out[wider])[:, None]) / np.sqrt(own)
    means, sets = distinct(np.concatenate([shape[:, ::8], NODES[-1] * more / (own + more)], axis=1), DIGITS)
    out[wider] = _widened(means @ shape, means @ (more / own))[sets]
    scale = np.sqrt((variance(values) + variances) / np.maximum(variance(out), 1e-300))
    return mean(values)[..., None] + (out - mean(out)[..., None]) * scale[..., None]


def _widened(values: Array, variances: Array) -> Array:
    """Return the quantile functions of T(zeta) + g from rising ones, (m, nodes) and (m, 1)."""
    sd, centre = np.sqrt(variances), mean(values)[:, None]
    away, own = values - centre + sd * NODES, variance(values)[:, None]
    guess = centre + away * np.sqrt((own + variances) / variance(away)[:, None])
    smooth = bool((variances > SMALL * own).all())
    if smooth:
        guess = guess[:, ::2]
    y = np.concatenate([guess[:, :1] - 3.0 * sd, guess, guess[:, -1:] + 3.0 * sd], axis=1)
    cumulated, density = np.empty_like(y), np.empty_like(y)
    # a relu leaves many values at 0, which are one term
    first = int((values == values[:, :1]).sum(axis=1).min(initial=len(NODES))) - 1
    weights = np.append(WEIGHTS[: first + 1].sum(), WEIGHTS[first + 1 :])
    for start in range(0, len(y), ROWS):
        rows = slice(start, start + ROWS)
        z = (y[rows, :, None] - values[rows, None, first:]) / sd[rows, :, None]
        cumulated[rows], density[rows] = cdf(z) @ weights, normal_density(z) @ weights
    zeta = quantile(cumulated)
    slope = sd * normal_density(zeta) / np.maximum(density, 1e-300) if smooth else _of_parabolas(zeta, y)
    return _interpolated(zeta, y, slope)


def _of_parabolas(zeta: Array, y: Array) -> Array:
    """Return the slopes of y of parabolas through three points each, (m, points)."""
    step = np.maximum(np.diff(zeta, axis=1), 1e-9)
    chord = np.diff(y, axis=1) / step
    left, right = step[:, :-1], step[:, 1:]
    inner = (right * chord[:, :-1] + left * chord[:, 1:]) / (left + right)
    return np.concatenate([chord[:, :1], inner, chord[:, -1:]], axis=1)


def _interpolated(zeta: Array, y: Array, slope: Array) -> Array:
    """Return y at ``NODES`` from its values and slopes at increasing ``zeta``, all (m, points), by cubics."""
    step, rise = np.maximum(np.diff(zeta, axis=1), 1e-9), np.diff(y, axis=1)
    cell = np.clip((zeta[:, :, None] <= NODES).sum(axis=1) - 1, 0, step.shape[1] - 1)
    start, low, step, rise, one, other = (
        np.take_along_axis(part, cell, axis=1) for part in (y, zeta, step, rise, slope, slope[:, 1:])
    )
    t = np.clip((NODES - low) / step, 0.0, 1.0)
    bend = (1.0 - t) * (one * step - rise) - t * (other * step - rise)
    return start + t * (rise + (1.0 - t) * bend)


def positive(values: Array) -> tuple[Array, Array, Array]:
    """Return P(u > 0), the density of u at 0, and the quantile function of u given u > 0.

    Parameters
    ----------
    values : ndarray (m, nodes)
        Quantile functions, increasing in zeta.
    """
    # strictly increasing: an atom at 0 (a branch with gamma 0) would make the inverse ambiguous; it is not above 0
    tilt = np.arange(1 - len(NODES), 1)
    rising = values + 1e-9 * np.maximum(np.ptp(values, axis=1, keepdims=True), 1e-300) * tilt
    cell = np.clip((rising <= 0.0).sum(axis=1, keepdims=True) - 1, 0, len(NODES) - 2)
    low, high = (np.take_along_axis(rising, cell + more, axis=1) for more in (0, 1))
    zero = NODES[cell] + STEP * np.clip(-low / (high - low), 0.0, 1.0)
    steepness = np.maximum(_between_nodes(np.gradient(rising, STEP, axis=1), zero), 1e-12)
    share = cdf(-zero)
    above = np.maximum(_between_nodes(values, -quantile(share * cdf(-NODES))), 0.0)
    return share[:, 0], (normal_density(zero) / steepness)[:, 0], above


def _between_nodes(values: Array, zeta: Array) -> Array:
    """Return functions (m, nodes) at ``zeta`` (m, points), straight between the nodes and constant beyond."""
    at = np.clip((zeta - NODES[0]) / STEP, 0.0, len(NODES) - 1.0)
    cell = np.minimum(at.astype(np.intp), len(NODES) - 2)
    low, high = (np.take_along_axis(values, cell + more, axis=1) for more in (0, 1))
    return np.asarray(low + (at - cell) * (high - low))


@cache
def half_line(count: int) -> tuple[Array, Array]:
    """Return nodes and weights of an integral over [0, 1]."""
    nodes, weights = np.polynomial.legendre.leggauss(count)
    return 0.5 * (nodes + 1.0), 0.5 * weights


def weighted_densities(points: Array, weights: Array, centres: Array, variances: Array) -> NDArray[np.float32]:
    """Return the densities at ``points`` of Gaussians around ``centres`` with ``variances``, times ``weights`` at the points.

    Returns
    -------
    ndarray (variances, points, centres)
        In single precision: a third of the time, and accurate to 1e-5 of each.
    """
    halved = -0.5 * (points[:, None] - centres) ** 2
    variances = np.maximum(variances, 1e-300)[:, None, None]
    found = np.maximum(halved / variances, FAINTEST).astype(np.float32)
    np.exp(found, out=found)
    found *= (weights[:, None] / np.sqrt(2.0 * math.pi * variances)).astype(np.float32)
    return found


@cache
def _hermite() -> Array:
    rows = np.empty((TERMS, len(NODES)))
    rows[0], rows[1] = 1.0, NODES
    for k in range(1, TERMS - 1):
        rows[k + 1] = (NODES * rows[k] - math.sqrt(k) * rows[k - 1]) / math.sqrt(k + 1)
    return np.ascontiguousarray((rows * WEIGHTS).T)


def coefficients(values: Array) -> tuple[Array, Array]:
    """Return the Hermite coefficients (..., TERMS) of a function of zeta, and the root of the moment they miss."""
    found = values @ _hermite()
    missed = values**2 @ WEIGHTS - (found**2).sum(axis=-1)
    return found, np.sqrt(np.maximum(missed, 0.0))


def leading_terms(found: Array, r: Array) -> Array:
    """Return the coefficients without those that no pair moment at correlations ``r`` needs, to ``ACCURACY``."""
    peak = (found.reshape(-1, TERMS) ** 2).max(axis=0)
    left_out = np.cumsum((peak * float(np.abs(r).max(initial=0.0)) ** np.arange(TERMS))[::-1])[::-1]
    return found[..., : max(int((left_out > ACCURACY * peak.sum()).sum()), 2)]


def pair_moment(left: tuple[Array, Array], right: tuple[Array, Array], r: Array) -> tuple[Array, Array]:
    """Return E f(zeta) g(zeta') at correlation r, and its derivative by r; Mehler's series with its tail.

    ``left`` and ``right`` come from :func:`coefficients`, with shapes that broadcast against ``r``.
    """
    return _mehler(*_products(left, right), r)


def _products(left: tuple[Array, Array], right: tuple[Array, Array]) -> tuple[Array, Array]:
    """Return the products of the coefficients, the terms first, and what they miss."""
    return np.ascontiguousarray(np.moveaxis(left[0] * right[0], -1, 0)), left[1] * right[1]


def _mehler(products: Array, rest: Array, r: Array) -> tuple[Array, Array]:
    shape = np.broadcast(products[-1], r).shape
    value = np.zeros(shape)
    value += products[-1]
    slope = np.zeros(shape)
    for product in products[-2::-1]:
        slope *= r
        slope += value
        value *= r
        value += product
    size = np.abs(r)
    power = rest * size ** (TAIL_POWER - 1.0)
    return value + power * size, slope + TAIL_POWER * power


def copula(left: tuple[Array, Array], right: tuple[Array, Array], covariance: Array, start: Array) -> Array:
    """Return the correlation r at which the covariance of f(zeta) and g(zeta') is ``covariance``."""
    products, rest = _products(left, right)
    target = covariance + products[0]
    r = np.clip(start, -1.0, 1.0)
    for _ in range(NEWTON_STEPS):
        value, slope = _mehler(products, rest, r)
        step = np.divide(value - target, slope, out=np.zeros_like(r), where=slope > 0.0)
        r = np.clip(r - step, -1.0, 1.0)
    return r


def threshold(p: Array) -> tuple[Array, Array]:
    """Return p and t with Phi(t) = p."""
    p = np.clip(p, 1e-12, 1.0 - 1e-12)
    return p, quantile(p)


def both_above(left: tuple[Array, Array], right: tuple[Array, Array], r: Array) -> Array:
    """Return P(z < t, z' < t') for (p, t) and (p', t') from :func:`threshold` and correlation r, by Plackett's integral.

    Phi_2 = p p' + 1/(2 pi) int_0^asin(r) exp(-(t^2 + t'^2 - 2 t t' sin x)/(2 cos^2 x)) dx.
    """
    (p, t), (q, s) = left, right
    squares, product = t * t + s * s, t * s
    r = np.clip(r, -1.0, 1.0)
    top, cosine = np.arcsin(r), np.sqrt(1.0 - r * r)
    total = np.zeros(np.broadcast(top, product).shape)

    def add(weight: float, sine: Array, squared: Array) -> None:
        np.add(total, weight * np.exp((2.0 * product * sine - squares) / np.maximum(2.0 * squared, 1e-12)), out=total)

    # the integrand is sharp near correlations of 1 alone: 4 points are accurate to 4e-7 up to 0.7
    nodes, weights = half_line(4 if np.abs(r).max(initial=0.0) < 0.7 else 8)
    for x, w in zip(nodes[: (len(nodes) + 1) // 2].tolist(), weights.tolist(), strict=False):
        sine = np.sin(top * x)
        squared = 1.0 - sine * sine
        add(w, sine, squared)
        if x < 0.5:  # the node at 1 - x: sines cost most
            mirrored = r * np.sqrt(squared) - cosine * sine
            add(w, mirrored, 1.0 - mirrored * mirrored)
    return np.minimum(p * q + total * top / (2.0 * math.pi), np.minimum(p, q))
