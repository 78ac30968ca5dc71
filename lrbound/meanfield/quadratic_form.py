"""Normalising by few effective values: means over the law of s^2, a quadratic form of Gaussians.

With Q = M s^2 = sum of lambda_i z_i^2 and phi(t) = prod (1 + 2 lambda t)^(-1/2) over all eigenvalues,

    E[Q^-p] = 1/Gamma(p) int_0^inf t^(p-1) phi(t) dt,
    E[z_i^2 Q^-p] = lambda_i/Gamma(p) int_0^inf t^(p-1) phi(t)/(1 + 2 lambda_i t) dt.

Exact for Gaussian values (theory of the normalisers, section 1).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrbound.meanfield.class_operator import Eigen, Operator
    from lrbound.meanfield.positions import Array


@cache
def _nodes() -> tuple[Array, Array]:
    # t = (v/(1-v))^2 makes half powers of t at both ends, a root at 0 and few degrees of freedom at infinity, smooth
    v, w = np.polynomial.legendre.leggauss(160)
    v, w = 0.5 * (v + 1.0), 0.5 * w
    return (v / (1.0 - v)) ** 2, 2.0 * v / (1.0 - v) ** 3 * w


@dataclass(frozen=True, eq=False)
class QuadraticForm:
    """s^2 = Q/M.

    Attributes
    ----------
    size : float
        M, the number of values that s^2 is the mean of.
    trace : float
        E Q.
    phi : ndarray (nodes,)
        phi dt at the nodes of the integrals, for the spectrum divided by its trace.
    """

    size: float
    trace: float
    phi: Array

    def inverse(self, power: float) -> float:
        """Return E[s^-2p]."""
        t, _ = _nodes()
        integral = float(t ** (power - 1.0) @ self.phi) / math.gamma(power)
        return (self.size / self.trace) ** power * integral

    def with_square(self, values: Array, power: float) -> Array:
        """Return E[z_i^2 s^-2p]/lambda_i for the eigenvalues ``values``."""
        t, _ = _nodes()
        damped = (t ** (power - 1.0) * self.phi) / (1.0 + 2.0 * np.outer(values / self.trace, t))
        return (self.size / self.trace) ** power * damped.sum(axis=1) / math.gamma(power)

    def whitened(self, space: Eigen) -> Operator:
        """Return E[z z'/s^2] on one of the eigenspaces."""
        return space.of(lambda values: values * self.with_square(values, 1.0))

    def root(self, space: Eigen) -> Operator:
        """Return J = E[1/s] - E[z_i^2/s^3]/M: what is left of a small correlation with values outside (Stein)."""
        mean = self.inverse(0.5)
        return space.of(lambda values: mean - values * self.with_square(values, 1.5) / self.size)

    def scale(self, space: Eigen) -> Operator:
        """Return sqrt(E[z_i^2/s^2]/lambda_i): what is left of a full correlation."""
        return space.of(lambda values: np.sqrt(self.with_square(values, 1.0)))


def quadratic_form(size: float, spaces: Sequence[tuple[Eigen, float]]) -> QuadraticForm:
    """Return the law of s^2 for eigenspaces, each with the number of times that it occurs."""
    values = np.concatenate([space.values for space, _ in spaces])
    times = np.concatenate([space.multiplicities * number for space, number in spaces])
    trace = float(values @ times)
    t, w = _nodes()
    phi = w * np.exp(-0.5 * times @ np.log1p(2.0 * np.outer(values / trace, t)))
    return QuadraticForm(size, trace, phi)
