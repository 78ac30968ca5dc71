"""Means over pairs of Gaussians: u = mu + s_a z, v = mu + s_b z', z and z' standard normal with E z z' = rho.

A function phi enters the theory through E phi(u) phi(v), E phi'(u) phi'(v) and one more mean that batch statistics
need. Relu's are closed forms. Any other function's come from Mehler's formula,

    phi(mu + s z) = sum_k a_k(s) h_k(z)   =>   E phi(u) phi(v) = sum_k a_k(s_a) a_k(s_b) rho^k,

with the orthonormal Hermite polynomials h_k = He_k / sqrt(k!). The cost is one short integral per standard deviation,
never one per pair. A kink, a place u0 where phi' jumps by j, makes a_k fall off as a power of k only, so j max(u - u0, 0) is
taken out of the series for every kink and put back in closed form.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from lrbound.meanfield.normal import cdf, density
from lrbound.meanfield.quadrature import REACH, Rule, hermite, hermite_on_panels, panels, splits

Array = NDArray[np.float64]
Function = Callable[[Array], Array]

TWO_PI = 2.0 * math.pi
NO_MEAN = 1e-300
"""Mean up to which its ratio to a standard deviation can be 0 in floating-point numbers."""
AT_KINK = np.array(1e-200)
"""A distance from the kink, in standard deviations, that counts as 0 and may be divided by."""

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


class Kink(NamedTuple):
    """A place where the slope of a function jumps.

    Attributes
    ----------
    place : float
        u0.
    jump : float
        phi'(u0 + 0) - phi'(u0 - 0).
    """

    place: float
    jump: float


def divide(numerator: Array, denominator: Array) -> Array:
    """Return the quotient where the denominator is positive, else 0."""
    positive = denominator > 0.0
    return np.where(positive, numerator, 0.0) / np.where(positive, denominator, 1.0)


# --- Relu ------------------------------------------------------------------------------------------------------------


def rectified(mean: float, sd_a: Array, sd_b: Array, rho: Array, other: float | None = None) -> Pair:
    """Return the pair functions of max(u, 0), exactly.

    Parameters
    ----------
    mean : float
        Mean of both Gaussians.
    sd_a, sd_b : Array
        Their standard deviations, broadcastable against ``rho``.
    rho : Array
        Their correlation; clipped to [-1, 1].
    other : float, optional
        Mean of the second Gaussian where it is not ``mean``.

    References
    ----------
    Cho and Saul 2009, equations 6 and 7, for mean 0.
    """
    other = mean if other is None else other
    if max(abs(mean), abs(other)) > NO_MEAN:
        return _rectified_shifted((mean, other), sd_a, sd_b, rho)
    rho = np.minimum(np.maximum(rho, -1.0), 1.0)
    area = sd_a * sd_b
    root = np.sqrt((1.0 - rho) * (1.0 + rho)) / TWO_PI
    slope = np.arcsin(rho) / TWO_PI + 0.25
    value = area * (root + rho * slope)
    stein = np.divide(root, area, out=np.zeros(value.shape), where=area > 0.0)
    return Pair(value, slope, stein)


def _rectified_shifted(means: tuple[float, float], sd_a: Array, sd_b: Array, rho: Array) -> Pair:
    # With the indicator I = [z > -h, z' > -k], h = mean/s_a and k = mean'/s_b, partial integration gives
    #   E I z  = A + rho B,   E I z z' = rho P + (1 - rho^2) D - rho (h A + k B),   where
    #   A = density(h) cdf((k - rho h)/root),  B = density(k) cdf((h - rho k)/root),  root^2 = 1 - rho^2,
    # D is the bivariate density and P = E I in Owen's form (1956), which counts 1/2 too much where h and k differ in sign.
    from scipy.special import ndtr, owens_t

    # A standard deviation of 0 is a limit that all terms reach long before 1e-30.
    far = max(abs(mean) for mean in means)
    a, b = (np.maximum(sd, 1e-30 * far) for sd in (sd_a, sd_b))
    h, k = (mean / sd if abs(mean) > NO_MEAN else AT_KINK for mean, sd in zip(means, (a, b), strict=True))
    rho = np.minimum(np.maximum(rho, -1.0), 1.0)
    # Rounding of rho already blurs the root by 1e-8; the floor only keeps the quotients finite.
    root = np.maximum(np.sqrt((1.0 - rho) * (1.0 + rho)), 1e-10)
    below_h, below_k = (k - rho * h) / root, (h - rho * k) / root
    slope = 0.5 * (ndtr(h) + ndtr(k)) - owens_t(h, below_h / h) - owens_t(k, below_k / k)
    if (means[0] < -NO_MEAN) != (means[1] < -NO_MEAN):
        slope = slope - 0.5
    slope = np.maximum(slope, 0.0)
    at_h, at_k = density(h) * ndtr(below_h), density(k) * ndtr(below_k)
    edge = root * density(h) * density(below_h)
    value = means[0] * (means[1] * slope + b * at_k) + means[1] * a * at_h + a * b * (rho * slope + edge)
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
    """A continuous function phi that is smooth apart from kinks; see :class:`lrbound.activations.base.Activation`."""

    def __hash__(self) -> int: ...

    @property
    def kinks(self) -> tuple[Kink, ...]:
        """All places where phi' jumps."""

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
    kinks = curve.kinks
    functions: list[tuple[Function, Function]] = [(curve.value, curve.slope)]
    if kinks:
        functions.append((partial(_bent, kinks), partial(_bent_slope, kinks)))
    shape = np.broadcast_shapes(sd_a.shape, sd_b.shape, rho.shape)
    if 0 in shape:  # no pairs: windows on a map without neighbours
        return Pair(*np.zeros((3, *shape)))
    one_a, one_b = _without_repeats(sd_a), _without_repeats(sd_b)
    for terms, allowed in _LEVELS:
        left, right = _coefficients(functions, _places(curve), mean, (one_a, one_b), terms)
        if _missing(left) < allowed and _missing(right) < allowed:
            break
    sums = _power_sums(left, right, np.broadcast_to(rho, shape))
    for one, other in product(kinks, kinks):
        exact = rectified(mean - one.place, sd_a, sd_b, rho, mean - other.place)
        weighted = sd_a * sd_b * exact.stein + rho * exact.slope
        sums += one.jump * other.jump * np.stack(np.broadcast_arrays(exact.value, exact.slope, weighted))
    return Pair(sums[0], sums[1], divide(sums[2] - rho * sums[1], sd_a * sd_b))


def _bent(kinks: tuple[Kink, ...], u: Array) -> Array:
    """Return the sum of j max(u - u0, 0), the piecewise linear function that has these kinks and is 0 below them."""
    return np.sum([kink.jump * np.maximum(u - kink.place, 0.0) for kink in kinks], axis=0)


def _bent_slope(kinks: tuple[Kink, ...], u: Array) -> Array:
    return np.sum([kink.jump * np.heaviside(u - kink.place, 0.5) for kink in kinks], axis=0)


def _places(curve: Curve) -> Array:
    """Return where the integrals are split: 0, about which phi may be steep, and then the kinks elsewhere."""
    return np.array([0.0, *sorted({kink.place for kink in curve.kinks} - {0.0})])


def _without_repeats(sd: Array) -> Array:
    """Return one entry, with as many axes, for an array of equal entries; that makes the sums cheaper."""
    return sd[(slice(1),) * sd.ndim] if sd.size > 1 and np.all(sd == sd.flat[0]) else sd


def local(curve: Curve, mean: float, sd: Array) -> Pair:
    """Return the same-variable functions of any phi, by quadrature: E phi^2, E phi'^2, (E (z^2 - 1) phi'^2)/s^2."""
    sd = np.asarray(sd, dtype=np.float64)

    def moments(s: Array, steep: float, cuts: Array) -> Array:
        total = np.zeros((3, s.size))
        for rule in _rules(steep, cuts):
            z = rule.nodes
            u = mean + s[:, None] * z
            squares = curve.slope(u) ** 2
            total += rule.integral(np.stack([curve.value(u) ** 2, squares, squares * (z * z - 1.0)]))
        return total

    (found,) = _per_deviation(moments, _places(curve), mean, (sd,))
    return Pair(found[0], found[1], divide(found[2], sd * sd))


def _rules(steep: float, cuts: Array) -> list[Rule]:
    """Return the rules whose sum splits the integrals at ``cuts``, (deviations, cuts)."""
    more = splits(steep, cuts) if cuts.size else None
    return [panels(steep)] if more is None else [panels(steep), more]


def _per_deviation(
    compute: Callable[[Array, float, Array], Array], places: Array, mean: float, sds: tuple[Array, ...]
) -> list[Array]:
    """Return ``compute`` (s, steep, cuts) -> (..., s.size) over all standard deviations, an array (..., *sd.shape) each.

    ``steep`` and ``cuts`` (s.size, kinks) are the distances of ``places`` from the mean in standard deviations s. Equal
    standard deviations, as all positions of an image often have, are computed once.
    """
    distinct, inverse = np.unique(np.concatenate([sd.ravel() for sd in sds]), return_inverse=True)
    distinct = np.maximum(distinct, 1e-200)  # for 0 its limit: at a kink, half of the nodes stay on either side
    column = distinct[:, None]
    # rounded, so that standard deviations equal but for noise share a rule
    cuts = np.round(np.minimum(np.abs(places - mean), REACH * column) / column, 12)
    starts = np.flatnonzero(np.append(True, cuts[1:, 0] != cuts[:-1, 0]))[1:]
    parts = zip(np.split(distinct, starts), np.split(cuts, starts), strict=True)
    table = np.concatenate([compute(s, float(cut[0, 0]), cut[:, 1:]) for s, cut in parts], axis=-1)
    ends = np.cumsum([sd.size for sd in sds])
    return [
        table[..., inverse[end - sd.size : end]].reshape(*table.shape[:-1], *sd.shape)
        for sd, end in zip(sds, ends, strict=True)
    ]


def _coefficients(
    functions: list[tuple[Function, Function]], places: Array, mean: float, sds: tuple[Array, ...], terms: int
) -> list[Array]:
    """Return the coefficients of phi, phi' and z phi', shape (functions, 3, terms + 2, *sd.shape), for each of ``sds``.

    The last two of each are the root mean squares of what is left of the even and of the odd part.
    """

    def compute(s: Array, steep: float, cuts: Array) -> Array:
        found, total, mirrored = (np.zeros((3 * len(functions), s.size, *shape)) for shape in ((terms,), (), ()))
        for rule in _rules(steep, cuts):
            z = rule.nodes
            u = mean + s[:, None] * z
            curves = np.stack([curve(u) for function in functions for curve in (*function, function[1])])
            curves[2::3] *= z
            basis = hermite_on_panels(steep, terms) if z.ndim == 1 else hermite(rule, terms)
            found += rule.coefficients(curves, basis)
            total += rule.integral(curves * curves)
            mirrored += rule.integral(curves * curves[..., ::-1])
        energy = found * found
        even = 0.5 * (total + mirrored) - energy[..., 0::2].sum(-1)
        odd = 0.5 * (total - mirrored) - energy[..., 1::2].sum(-1)
        rest = np.sqrt(np.maximum(np.stack([even, odd], axis=-1), 0.0))
        table = np.concatenate([found, rest], axis=-1).swapaxes(1, 2)
        return table.reshape(len(functions), 3, terms + 2, s.size)

    return _per_deviation(compute, places, mean, sds)


def _missing(coefficients: Array) -> float:
    """Return the largest part of E phi'^2 that the series misses, apart from what the kinks' closed forms make up for."""
    energy = coefficients[:, 1] ** 2
    rest = energy[0, -2:].sum(0) - energy[1:, -2:].sum((0, 1))
    return float(np.max(np.abs(rest) / np.maximum(energy[0].sum(0), 1e-300), initial=0.0))


def _power_sums(left: Array, right: Array, rho: Array) -> Array:
    """Return sum_k left_k right_k rho^k less the same of the kinks, shape (3, *broadcast shape)."""
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
