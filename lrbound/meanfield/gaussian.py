"""Means over pairs of Gaussians: u = mu + s_a z, v = mu + s_b z', z and z' standard normal with E z z' = rho.

A function phi enters the theory through E phi(u) phi(v), E phi'(u) phi'(v) and one more mean that batch statistics
need. Relu's are closed forms. Any other function's come from Mehler's formula,

    phi(mu + s z) = sum_k a_k(s) h_k(z)   =>   E phi(u) phi(v) = sum_k a_k(s_a) a_k(s_b) rho^k,

with the orthonormal Hermite polynomials h_k = He_k / sqrt(k!). The cost is one short integral per standard deviation,
never one per pair. A kink makes a_k fall off as a power of k only, so the kink's relu is taken out of the series and
put back in closed form.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from lrbound.meanfield.normal import cdf, density

Array = NDArray[np.float64]
Function = Callable[[Array], Array]

TWO_PI = 2.0 * math.pi
NO_MEAN = 1e-300
"""Mean up to which its ratio to a standard deviation can be 0 in floating-point numbers."""

_LEVELS = ((64, 1e-8), (128, 1e-8), (256, 1e-4), (512, math.inf))
"""Numbers of Hermite terms, tried in turn, and the part of E phi'^2 that each may miss.

The numbers are even, because the last two coefficients represent an even and an odd rest. The later ones are for slopes
that are steep against the standard deviation (tanh at s = 10), where 1e-8 would take thousands of terms.
"""
_NEGLIGIBLE = 1e-16
_SMALL = 1 << 15
"""Pairs times terms up to which one array of powers is cheaper than a loop over the terms."""
_BLOCK = 1 << 15
"""Pairs that are summed at a time: a block and its accumulator stay in the processor's cache."""
_REACH = 12.0
"""The integrals run over |z| < 12: with |h_k| below exp(z^2/4), what lies beyond is 1e-16 of the whole."""


class Pair(NamedTuple):
    """The three means of a function over two Gaussians, elementwise.

    Attributes
    ----------
    value : Array
        E phi(u) phi(v).
    slope : Array
        E phi'(u) phi'(v).
    stein : Array
        (E z z' phi'(u) phi'(v) - rho E phi'(u) phi'(v)) / (s_a s_b); 0 where s_a s_b = 0.
    """

    value: Array
    slope: Array
    stein: Array


def divide(numerator: Array, denominator: Array) -> Array:
    """Return the quotient where the denominator is positive, else 0."""
    positive = denominator > 0.0
    return np.where(positive, numerator, 0.0) / np.where(positive, denominator, 1.0)


# --- Relu ------------------------------------------------------------------------------------------------------------


def rectified(mean: float, sd_a: Array, sd_b: Array, rho: Array) -> Pair:
    """Return the pair functions of max(u, 0), exactly.

    Parameters
    ----------
    mean : float
        Mean of both Gaussians.
    sd_a, sd_b : Array
        Their standard deviations, broadcastable against ``rho``.
    rho : Array
        Their correlation; clipped to [-1, 1].

    References
    ----------
    Cho and Saul 2009, equations 6 and 7, for mean 0.
    """
    if abs(mean) > NO_MEAN:
        return _rectified_shifted(mean, sd_a, sd_b, rho)
    rho = np.minimum(np.maximum(rho, -1.0), 1.0)
    area = sd_a * sd_b
    root = np.sqrt((1.0 - rho) * (1.0 + rho)) / TWO_PI
    slope = np.arcsin(rho) / TWO_PI + 0.25
    value = area * (root + rho * slope)
    stein = np.divide(root, area, out=np.zeros(value.shape), where=area > 0.0)
    return Pair(value, slope, stein)


def _rectified_shifted(mean: float, sd_a: Array, sd_b: Array, rho: Array) -> Pair:
    # With the indicator I = [z > -h, z' > -k], h = mu/s_a and k = mu/s_b, partial integration gives
    #   E I z  = A + rho B,   E I z z' = rho P + (1 - rho^2) D - rho (h A + k B),   where
    #   A = density(h) cdf((k - rho h)/root),  B = density(k) cdf((h - rho k)/root),  root^2 = 1 - rho^2,
    # D is the bivariate density and P = E I. h and k have one sign, so Owen's form of P needs no case distinction.
    from scipy.special import owens_t

    # A standard deviation of 0 is a limit that all terms reach long before 1e-30.
    a, b = (np.maximum(sd, 1e-30 * abs(mean)) for sd in (sd_a, sd_b))
    h, k = mean / a, mean / b
    rho = np.minimum(np.maximum(rho, -1.0), 1.0)
    # Rounding of rho already blurs the root by 1e-8; the floor only keeps the quotients finite.
    root = np.maximum(np.sqrt((1.0 - rho) * (1.0 + rho)), 1e-10)
    below_h, below_k = (k - rho * h) / root, (h - rho * k) / root
    slope = 0.5 * (cdf(h) + cdf(k)) - owens_t(h, below_h / h) - owens_t(k, below_k / k)
    slope = np.maximum(slope, 0.0)
    at_h, at_k = density(h) * cdf(below_h), density(k) * cdf(below_k)
    edge = root * density(h) * density(below_h)
    value = mean * (mean * slope + a * at_h + b * at_k) + a * b * (rho * slope + edge)
    stein = divide(edge - rho * (h * at_h + k * at_k), sd_a * sd_b)
    return Pair(np.maximum(value, 0.0), slope, stein)


def rectified_local(mean: float, sd: Array) -> Pair:
    """Return the same-variable functions of max(u, 0): E phi^2, E phi'^2 and (E (z^2 - 1) phi'^2)/s^2."""
    if mean == 0.0:
        return Pair(0.5 * sd * sd, np.full_like(sd, 0.5), np.zeros_like(sd))
    h = mean / np.maximum(sd, 1e-30 * abs(mean))
    slope, edge = cdf(h), density(h)
    return Pair((mean * mean + sd * sd) * slope + mean * sd * edge, slope, divide(-h * edge, sd * sd))


# --- Any function ----------------------------------------------------------------------------------------------------


class Curve(Protocol):
    """A function that is smooth apart from a kink at 0; see :class:`lrbound.activations.base.Activation`."""

    def __hash__(self) -> int: ...

    @property
    def kink(self) -> float:
        """phi'(0+) - phi'(0-)."""

    def value(self, u: Array) -> Array:
        """Return phi(u)."""

    def slope(self, u: Array) -> Array:
        """Return phi'(u)."""


def series(curve: Curve, mean: float, sd_a: Array, sd_b: Array, rho: Array) -> Pair:
    """Return the pair functions of any phi by its Hermite series.

    Parameters
    ----------
    curve : Curve
        phi.
    mean, sd_a, sd_b, rho
        As for :func:`rectified`. The series is expanded on the arrays ``sd_a`` and ``sd_b`` as they come, so leave
        them unbroadcast.

    Notes
    -----
    What the series misses of the second moments is put on the last two powers, so that rho = 1 is exact where
    s_a = s_b. The error is largest just below |rho| = 1. Against the root of the second moments it is below 1e-8
    (value) and 4e-6 (slope) for a smooth phi and s up to 3, or an elu or selu and s up to 1. A tanh, whose slope is
    steep against s = 10, has 1e-5 and 2e-3 there, and 1e-3 and 1e-1 at s = 30, about |rho| = 0.999.
    """
    sd_a, sd_b, rho = (np.asarray(x, dtype=np.float64) for x in (sd_a, sd_b, rho))
    rho = np.minimum(np.maximum(rho, -1.0), 1.0)
    kink = curve.kink
    functions: list[tuple[Function, Function]] = [(curve.value, curve.slope)]
    if kink != 0.0:
        functions.append((lambda u: kink * np.maximum(u, 0.0), lambda u: kink * np.heaviside(u, 0.5)))
    shape = np.broadcast_shapes(sd_a.shape, sd_b.shape, rho.shape)
    one_a, one_b = _without_repeats(sd_a), _without_repeats(sd_b)
    for terms, allowed in _LEVELS:
        left, right = _coefficients(functions, mean, (one_a, one_b), terms)
        if _missing(left) < allowed and _missing(right) < allowed:
            break
    sums = _power_sums(left, right, np.broadcast_to(rho, shape))
    if kink != 0.0:
        exact = rectified(mean, sd_a, sd_b, rho)
        weighted = sd_a * sd_b * exact.stein + rho * exact.slope
        sums += kink * kink * np.stack(np.broadcast_arrays(exact.value, exact.slope, weighted))
    return Pair(sums[0], sums[1], divide(sums[2] - rho * sums[1], sd_a * sd_b))


def _without_repeats(sd: Array) -> Array:
    """Return one entry, with as many axes, for an array of equal entries; that makes the sums cheaper."""
    return sd[(slice(1),) * sd.ndim] if sd.size > 1 and np.all(sd == sd.flat[0]) else sd


def local(curve: Curve, mean: float, sd: Array) -> Pair:
    """Return the same-variable functions of any phi, by quadrature: E phi^2, E phi'^2, (E (z^2 - 1) phi'^2)/s^2."""
    sd = np.asarray(sd, dtype=np.float64)

    def moments(s: Array, z0: float) -> Array:
        z, weights = _rule(z0)
        u = mean + s[:, None] * z
        squares = curve.slope(u) ** 2
        return np.stack([curve.value(u) ** 2 @ weights, squares @ weights, squares @ ((z * z - 1.0) * weights)])

    (found,) = _per_deviation(moments, mean, (sd,))
    return Pair(found[0], found[1], divide(found[2], sd * sd))


class _Rule(NamedTuple):
    """Nodes z of a quadrature that is symmetric about 0, and the weights of the normal density on them."""

    nodes: Array
    weights: Array


@cache
def _gauss_legendre() -> _Rule:
    from numpy.polynomial.legendre import leggauss

    return _Rule(*leggauss(16))


@lru_cache(maxsize=16)
def _rule(z0: float) -> _Rule:
    # Panels of length 1, cut at z0 and ever finer towards it: there a kink may sit, or a step much narrower than 1.
    fine = 4.0 ** -np.arange(1, 5)
    cuts = np.concatenate([np.arange(_REACH + 1.0), [z0], z0 - fine, z0 + fine])
    cuts = np.unique(np.clip(cuts, 0.0, _REACH))
    nodes, weights = _gauss_legendre()
    half = 0.5 * np.diff(cuts)[:, None]
    z = (cuts[:-1, None] + half * (1.0 + nodes)).ravel()
    w = (half * weights).ravel() * density(z)
    return _Rule(np.concatenate([-z[::-1], z]), np.concatenate([w[::-1], w]))


@lru_cache(maxsize=16)
def _hermite(z0: float, terms: int) -> Array:
    """Return h_k(z) times the weight of z, shape (nodes, terms)."""
    z, weights = _rule(z0)
    rows = np.empty((terms, z.size))
    rows[0] = weights
    rows[1] = z * weights
    for k in range(1, terms - 1):
        rows[k + 1] = (z * rows[k] - math.sqrt(k) * rows[k - 1]) / math.sqrt(k + 1)
    return np.ascontiguousarray(rows.T)


def _per_deviation(compute: Callable[[Array, float], Array], mean: float, sds: tuple[Array, ...]) -> list[Array]:
    """Return ``compute`` (s, z0) -> (..., s.size) over all standard deviations, an array (..., *sd.shape) for each.

    Equal standard deviations, as all positions of an image often have, are computed once.
    """
    distinct, inverse = np.unique(np.concatenate([sd.ravel() for sd in sds]), return_inverse=True)
    distinct = np.maximum(distinct, 1e-200)  # for 0 its limit: at a kink, half of the nodes stay on either side
    if mean == 0.0:
        table = compute(distinct, 0.0)
    else:
        # Where the function's argument is 0; rounded, so that standard deviations equal but for noise share a rule.
        z0 = np.round(abs(mean) / np.maximum(distinct, abs(mean) / _REACH), 10)
        table = np.concatenate([compute(distinct[z0 == z], float(z)) for z in np.unique(z0)[::-1]], axis=-1)
    ends = np.cumsum([sd.size for sd in sds])
    return [
        table[..., inverse[end - sd.size : end]].reshape(*table.shape[:-1], *sd.shape)
        for sd, end in zip(sds, ends, strict=True)
    ]


def _coefficients(
    functions: list[tuple[Function, Function]], mean: float, sds: tuple[Array, ...], terms: int
) -> list[Array]:
    """Return the coefficients of phi, phi' and z phi', shape (functions, 3, terms + 2, *sd.shape), for each of ``sds``.

    The last two of each are the root mean squares of what is left of the even and of the odd part.
    """

    def compute(s: Array, z0: float) -> Array:
        z, weights = _rule(z0)
        u = mean + s[:, None] * z
        curves = np.stack([curve(u) for function in functions for curve in (*function, function[1])])
        curves[2::3] *= z
        found = curves @ _hermite(z0, terms)
        total = (curves * curves) @ weights
        mirrored = (curves * curves[..., ::-1]) @ weights
        energy = found * found
        even = 0.5 * (total + mirrored) - energy[..., 0::2].sum(-1)
        odd = 0.5 * (total - mirrored) - energy[..., 1::2].sum(-1)
        rest = np.sqrt(np.maximum(np.stack([even, odd], axis=-1), 0.0))
        table = np.concatenate([found, rest], axis=-1).swapaxes(1, 2)
        return table.reshape(len(functions), 3, terms + 2, s.size)

    return _per_deviation(compute, mean, sds)


def _missing(coefficients: Array) -> float:
    """Return the largest part of E phi'^2 that the series misses, apart from what the kink's relu makes up for."""
    energy = coefficients[:, 1] ** 2
    rest = energy[0, -2:].sum(0) - energy[1:, -2:].sum((0, 1))
    return float(np.max(np.abs(rest) / np.maximum(energy[0].sum(0), 1e-300), initial=0.0))


def _power_sums(left: Array, right: Array, rho: Array) -> Array:
    """Return sum_k left_k right_k rho^k less the same of the kink's relu, shape (3, *broadcast shape)."""
    shape = rho.shape
    lead = left.shape[:3]
    left, right = (x.reshape(*lead, *(1,) * (len(shape) + 3 - x.ndim), *x.shape[3:]) for x in (left, right))
    right = np.concatenate([right[:1], -right[1:]])
    within = tuple(range(3, left.ndim))
    sizes = (np.abs(left).max(within) * np.abs(right).max(within)).max(0)
    sizes *= float(np.abs(rho).max(initial=0.0)) ** np.arange(lead[2])
    keep = sizes > _NEGLIGIBLE * sizes.max(-1, keepdims=True)
    terms = int(np.max(np.nonzero(keep)[1], initial=0)) + 1
    left, right = left[:, :, :terms], right[:, :, :terms]
    if rho.size * terms <= _SMALL:
        powers = rho ** np.arange(terms).reshape(-1, *(1,) * len(shape))
        total: Array = ((left * right).sum(0) * powers).sum(1)
        return total
    out = np.empty((3, *shape))
    for row in range(3):
        for index in _blocks(shape):
            one, other = (x[(slice(None), row, slice(None), *_within(x.shape[3:], index))] for x in (left, right))
            out[(row, *index)] = _horner(one, other, rho[index], keep[row])
    return out


def _blocks(shape: tuple[int, ...]) -> Iterator[tuple[Any, ...]]:
    depth = 0
    while math.prod(shape[depth:]) > _BLOCK and math.prod(shape[depth + 1 :]) >= _BLOCK // 32:
        depth += 1
    return np.ndindex(*shape[:depth])


def _within(shape: tuple[int, ...], index: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the index into an array of ``shape`` that is broadcast along its axes of length 1."""
    return tuple(min(i, size - 1) for i, size in zip(index, shape, strict=False))


def _horner(left: Array, right: Array, rho: Array, keep: NDArray[np.bool_]) -> Array:
    total = np.zeros(rho.shape)
    product = np.empty(np.broadcast_shapes(left.shape[2:], right.shape[2:]))
    for k in range(int(np.max(np.nonzero(keep)[0], initial=0)), -1, -1):
        total *= rho
        if keep[k]:
            for one, other in zip(left, right, strict=True):
                total += np.multiply(one[k], other[k], out=product)
    return total
