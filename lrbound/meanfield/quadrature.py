"""Integrals over a standard normal z, also against Hermite polynomials, of functions that have a step or kinks.

Panels of length 1 with 16 Gauss-Legendre nodes each, ever finer towards one place where the function may be steep. They
serve all standard deviations at once. A kink lies elsewhere in each of them: there the panel that holds it is taken away
again and its two halves are added, nodes with weights of both signs.
"""

from __future__ import annotations

import math
from functools import cache, lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lrbound.meanfield.normal import density

if TYPE_CHECKING:
    from lrbound.meanfield.positions import Array

REACH = 12.0
"""The integrals run over |z| < 12: with |h_k| below exp(z^2/4), what lies beyond is 1e-16 of the whole."""


class Rule(NamedTuple):
    """Nodes z, symmetric about 0 along the last axis, and weights that hold the normal density.

    Attributes
    ----------
    nodes, weights : ndarray (nodes,) or (deviations, nodes)
        The same for all standard deviations, or some for each.
    """

    nodes: Array
    weights: Array

    def integral(self, values: Array) -> Array:
        """Return the integrals of values (..., deviations, nodes)."""
        if self.weights.ndim == 1:
            return values @ self.weights
        return np.einsum("...sn,sn->...s", values, self.weights)

    def coefficients(self, values: Array, hermite: Array) -> Array:
        """Return the integrals of values (functions, deviations, nodes) times h_k, shape (functions, deviations, terms)."""
        if hermite.ndim == 2:
            return values @ hermite
        return (values.swapaxes(0, 1) @ hermite).swapaxes(0, 1)


@cache
def _gauss_legendre() -> tuple[Array, Array]:
    from numpy.polynomial.legendre import leggauss

    return leggauss(16)


@lru_cache(maxsize=16)
def _ends(steep: float) -> Array:
    fine = 4.0 ** -np.arange(1, 5)
    ends = np.concatenate([np.arange(REACH + 1.0), [steep], steep - fine, steep + fine])
    return np.unique(np.clip(ends, 0.0, REACH))


def _rule(low: Array, high: Array, sign: Array | float = 1.0) -> Rule:
    """Return the rule of panels on the positive half, (..., panels), and of their mirror images."""
    nodes, weights = _gauss_legendre()
    half = 0.5 * (high - low)[..., None]
    z = (low[..., None] + half * (1.0 + nodes)).reshape(*low.shape[:-1], -1)
    w = (half * weights * np.asarray(sign)[..., None]).reshape(z.shape) * density(z)
    return Rule(np.concatenate([-z[..., ::-1], z], axis=-1), np.concatenate([w[..., ::-1], w], axis=-1))


@lru_cache(maxsize=16)
def panels(steep: float) -> Rule:
    """Return the rule that is fine about z = +-``steep``."""
    ends = _ends(steep)
    return _rule(ends[:-1], ends[1:])


def splits(steep: float, cuts: Array) -> Rule | None:
    """Return what to add to :func:`panels` to split them at |z| = cuts, (deviations, cuts); None where nothing is split."""
    ends = _ends(steep)
    rows: list[list[tuple[float, float, float]]] = []
    for row in cuts.tolist():
        inside = sorted({cut for cut in row if 0.0 < cut < REACH} - set(ends.tolist()))
        held = sorted({int(np.searchsorted(ends, cut)) for cut in inside})
        parts: list[tuple[float, float, float]] = []
        for at in held:
            low, high = float(ends[at - 1]), float(ends[at])
            places = [low, *(cut for cut in inside if low < cut < high), high]
            parts += [(low, high, -1.0), *((one, other, 1.0) for one, other in pairwise(places))]
        rows.append(parts)
    most = max(map(len, rows), default=0)
    if most == 0:
        return None
    padded = np.array([parts + [(0.0, 0.0, 0.0)] * (most - len(parts)) for parts in rows])
    return _rule(padded[..., 0], padded[..., 1], padded[..., 2])


@lru_cache(maxsize=16)
def hermite_on_panels(steep: float, terms: int) -> Array:
    """Return :func:`hermite` of :func:`panels`."""
    return hermite(panels(steep), terms)


def hermite(rule: Rule, terms: int) -> Array:
    """Return h_k(z) = He_k(z)/sqrt(k!) times the weight of z, shape (..., nodes, terms)."""
    z, weights = rule
    rows = np.empty((terms, *z.shape))
    rows[0] = weights
    rows[1] = z * weights
    for k in range(1, terms - 1):
        rows[k + 1] = (z * rows[k] - math.sqrt(k) * rows[k - 1]) / math.sqrt(k + 1)
    return np.ascontiguousarray(np.moveaxis(rows, 0, -1))
