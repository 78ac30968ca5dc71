"""Normalising by few effective values: means over the law of s^2, a quadratic form of Gaussians.

With Q = M s^2 = sum of lambda_i z_i^2 and phi(t) = prod (1 + 2 lambda t)^(-1/2) over all eigenvalues,

    E[Q^-p] = 1/Gamma(p) int_0^inf t^(p-1) phi(t) dt,
    E[z_i^2 Q^-p] = lambda_i/Gamma(p) int_0^inf t^(p-1) phi(t)/(1 + 2 lambda_i t) dt.

Exact for Gaussian values (lrbound/theory/normalisers.md, section 1).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lrbound.meanfield.class_operator import Classes, Operator, eigen, stack
from lrbound.meanfield.kernel import CROSS, SAME

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrbound.meanfield.class_operator import Eigen
    from lrbound.meanfield.positions import Array

INFINITE = 1e9
"""Samples that approximate a full batch: the products over samples converge long before."""


class Inverse(NamedTuple):
    """E[1/(s s')] for one sample and for two."""

    same: float
    cross: float


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


def of_sample(kernels: Sequence[tuple[Operator, float]], classes: Classes, r: float) -> tuple[Operator, Inverse]:
    """Return E[z z'/(s s')] and E[1/(s s')] where every sample has an s^2 of its own.

    Parameters
    ----------
    kernels : sequence of (Operator, float)
        Kernels (same, cross) of the channels of a set, each with the number of channels that have it.
    classes : Classes
    r : float
        Correlation of two samples.

    Notes
    -----
    Two samples: for a weak correlation each end loses the part by which its own s depends on it (J X J, Stein), a full one is the case
    of one sample; in between they are mixed with the weights 1 - r^2 and r^2.
    """
    s = sum(number for _, number in kernels)
    spaces = [(kernel, eigen(kernel.kind(SAME), classes), number) for kernel, number in kernels if number]
    law = quadratic_form(s * classes.size, [(space, number) for _, space, number in spaces])
    rho: Operator | None = None
    for kernel, space, number in spaces:
        weak, full, across = law.root(space), law.scale(space), kernel.kind(CROSS)
        other = (weak @ across @ weak).scaled(1.0 - r * r) + (full @ across @ full).scaled(r * r)
        part = stack((law.whitened(space), other)).scaled(number / s)
        rho = part if rho is None else rho + part
    assert rho is not None  # some channel has a kernel
    inverse = law.inverse(1.0)
    return rho, Inverse(inverse, (1.0 - r * r) * law.inverse(0.5) ** 2 + r * r * inverse)


def over_batch(kernels: Sequence[tuple[Operator, float]], classes: Classes, samples: float) -> tuple[Operator, Inverse]:
    """Return E[z z'/s^2] and E[1/s^2] where all samples share s^2: eigenvalues of S + (n-1) X once, of S - X n-1 times.

    Parameters
    ----------
    kernels : sequence of (Operator, float)
        Kernels (same, cross) of the channels of a set, each with the number of channels that have it.
    classes : Classes
    samples : float
        n; may be infinite.
    """
    n = min(samples, INFINITE)
    s = sum(number for _, number in kernels)
    spaces: list[tuple[Eigen, Eigen, float]] = []
    for kernel, number in kernels:
        own, across = kernel.kind(SAME), kernel.kind(CROSS)
        if number:
            together, apart = eigen(own + across.scaled(n - 1.0), classes), eigen(own - across, classes)
            spaces.append((together, apart, number))
    law = quadratic_form(
        s * n * classes.size,
        [pair for one, rest, number in spaces for pair in ((one, number), (rest, (n - 1.0) * number))],
    )
    rho: Operator | None = None
    for one, rest, number in spaces:
        first, others = law.whitened(one).scaled(number / s), law.whitened(rest).scaled(number / s)
        part = stack(((first + others.scaled(n - 1.0)).scaled(1.0 / n), (first - others).scaled(1.0 / n)))
        rho = part if rho is None else rho + part
    assert rho is not None  # some channel has a kernel
    inverse = law.inverse(1.0)
    return rho, Inverse(inverse, inverse)
