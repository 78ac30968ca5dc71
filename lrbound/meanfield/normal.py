"""The standard normal law: its distribution function, its quantiles, and draws.

The functions come from a table of the standard library's erfc with cubics between its points: scipy.special has them, but
its import takes twice as long as numpy's, which is more than most predictions do. numpy.random takes a sixth of numpy.
"""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from lrbound.meanfield.positions import Array

REACH = 9.0
"""|z| up to which the table goes; P(z < -9) is 1e-19."""
CELLS = 128
"""Cells of the table per unit of z: cubics are then accurate to 1e-11, in the tails to 1e-8 of what is left."""
LEAST = 1e-18
"""The smallest probability whose quantile is known."""
MEDIAN = math.sqrt(2.0 * math.log(2.0))
INVERSE_CELLS = 64
"""Cells of the table of quantiles per unit of sqrt(-2 log p), which is ``MEDIAN`` for p = 1/2."""


def density(z: Array) -> Array:
    """Return exp(-z^2/2)/sqrt(2 pi)."""
    return np.asarray(np.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi))


def cdf(z: Array) -> Array:
    """Return P(Z < z), to 1e-8 of itself between -REACH and REACH, and the value there beyond."""
    at = np.asarray(z + REACH)
    at *= CELLS
    np.maximum(at, 0.0, out=at)
    return _along(np.minimum(at, 2.0 * REACH * CELLS, out=at), _cubics())


def quantile(p: Array) -> Array:
    """Return z with P(Z < z) = ``p``, to 1e-8; ``p`` is clipped to what the table holds."""
    p = np.asarray(p, dtype=np.float64)
    upper = p > 0.5
    tail = np.clip(np.where(upper, 1.0 - p, p), LEAST, 0.5)
    # in the coordinate sqrt(-2 log p) the quantiles are almost straight
    at = (np.sqrt(-2.0 * np.log(tail)) - MEDIAN) * INVERSE_CELLS
    z = _along(at, _inverse_cubics())
    return np.where(upper, -z, z)


def _along(at: Array, cubics: Array) -> Array:
    """Return cubics (4, cells) at places counted in cells."""
    cell = np.minimum(at.astype(np.intp), cubics.shape[1] - 1)
    at -= cell
    found = cubics[3].take(cell)
    for coefficients in cubics[2::-1]:
        found *= at
        found += coefficients.take(cell)
    return found


@cache
def trapezoid(reach: float, count: int) -> tuple[Array, Array]:
    """Return nodes and weights of a mean over Z: the trapezoid rule, which converges fast for smooth functions."""
    z = np.linspace(-reach, reach, count)
    weights = np.exp(-0.5 * z * z)
    return z, weights / weights.sum()


def draws(seed: int, shape: tuple[int, ...]) -> Array:
    """Return independent standard normal numbers, the same everywhere; other seeds give other ones.

    SplitMix64 (Steele, Lea and Flood 2014) on a counter gives uniform numbers, and Box and Muller (1958) normal ones: good
    enough for averages over some thousand draws.
    """
    count = math.prod(shape)
    half = (count + 1) // 2
    radius = np.sqrt(-2.0 * np.log(1.0 - _uniform(2 * seed, half)))
    angle = 2.0 * math.pi * _uniform(2 * seed + 1, half)
    return np.concatenate([radius * np.cos(angle), radius * np.sin(angle)])[:count].reshape(shape)


def _uniform(stream: int, count: int) -> Array:
    """Return numbers in [0, 1) of 53 bits."""
    step, first, second = (np.uint64(n) for n in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))
    z = (np.arange(1, count + 1, dtype=np.uint64) + np.uint64(stream << 40)) * step
    z = (z ^ (z >> np.uint64(30))) * first
    z = (z ^ (z >> np.uint64(27))) * second
    z ^= z >> np.uint64(31)
    return (z >> np.uint64(11)).astype(np.float64) * 2.0**-53


@cache
def _points() -> tuple[Array, Array]:
    """Return P(Z < z) and z on the lower half of the table."""
    z = -np.arange(int(REACH * CELLS), -1, -1) / CELLS
    return np.array([0.5 * math.erfc(-x / math.sqrt(2.0)) for x in z.tolist()]), z


@cache
def _cubics() -> Array:
    """Return the coefficients of the cubic in each cell, by powers of the place in it, shape (4, cells)."""
    below, z = _points()
    return _hermite(np.concatenate([below, 1.0 - below[-2::-1]]), density(np.concatenate([z, -z[-2::-1]])) / CELLS)


@cache
def _inverse_cubics() -> Array:
    """Return the same for the quantiles of the lower half, by sqrt(-2 log p)."""
    u = MEDIAN + np.arange(int((math.sqrt(-2.0 * math.log(LEAST)) - MEDIAN) * INVERSE_CELLS) + 2) / INVERSE_CELLS
    tail = np.exp(-0.5 * u * u)
    z = np.interp(tail, *_points())
    for _ in range(2):
        z -= (cdf(z) - tail) / density(z)
    return _hermite(z, -u * tail / density(z) / INVERSE_CELLS)


def _hermite(value: Array, slope: Array) -> Array:
    """Return the cubics between points one cell apart with these values and slopes."""
    rise = np.diff(value)
    left, right = slope[:-1], slope[1:]
    return np.stack([value[:-1], left, 3.0 * rise - 2.0 * left - right, left + right - 2.0 * rise])
