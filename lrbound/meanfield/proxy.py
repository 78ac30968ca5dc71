"""Activations that are normalised by what a standard Gaussian in place of the data would give."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING

import numpy as np

from lrbound.errors import Refused
from lrbound.meanfield.activate import activate, correlations
from lrbound.meanfield.gaussian import Kink
from lrbound.meanfield.gradient import Gradient, Share, Sums
from lrbound.meanfield.kernel import SAME

if TYPE_CHECKING:
    from lrbound.meanfield.contract import Activating, Context, Pullback
    from lrbound.meanfield.kernel import Kernel
    from lrbound.meanfield.positions import Array

TERMS = 48
"""Hermite terms of the derivatives by gamma and beta, which add about 0.001 to lambda_max."""


@cache
def _nodes() -> tuple[Array, Array]:
    # even and without a node at 0, where an activation may have its kink
    z: Array = (np.arange(4000, dtype=np.float64) + 0.5) * (20.0 / 4000) - 10.0
    weights: Array = np.exp(-0.5 * z * z)
    weights /= weights.sum()
    return z, weights


@dataclass(frozen=True, eq=False)
class Proxy:
    """Mean and variance of phi(gamma Y + beta), eps included, and the output's derivatives by gamma and beta.

    Attributes
    ----------
    mean, variance : float
    slopes : ndarray (2, nodes)
        Of the output by gamma and by beta, as functions of x = Y: the proxy's mean and variance move, too.
    """

    mean: float
    variance: float
    slopes: Array


def _proxy(phi: Activating, gamma: float, beta: float, eps: float) -> Proxy:
    z, w = _nodes()
    u = gamma * z + beta
    value, slope = phi.value(u), phi.slope(u)
    mean = float(value @ w)
    variance = float((value - mean) ** 2 @ w) + eps
    if variance == 0.0:
        raise Refused("proxy_norm with eps 0 on an activation that is constant divides by zero")
    by = np.stack([slope * z, slope])
    moved = by - (by @ w)[:, None]
    stretched = (moved * (value - mean)) @ w / variance
    return Proxy(mean, variance, (moved - stretched[:, None] * (value - mean)) / math.sqrt(variance))


@dataclass(frozen=True)
class Proxied:
    """(phi(gamma u + beta) - m)/sqrt(V) as a function of single values."""

    phi: Activating
    gamma: float
    beta: float
    eps: float

    @cached_property
    def _proxy(self) -> Proxy:
        return _proxy(self.phi, self.gamma, self.beta, self.eps)

    @property
    def kinks(self) -> tuple[Kink, ...]:
        """Those of phi, at u = (u0 - beta)/gamma."""
        if self.gamma == 0.0:
            return ()
        factor = abs(self.gamma) / math.sqrt(self._proxy.variance)
        return tuple(Kink((place - self.beta) / self.gamma, factor * jump) for place, jump in self.phi.kinks)

    def value(self, u: Array) -> Array:
        """Return the function."""
        proxy = self._proxy
        return np.asarray((self.phi.value(self.gamma * u + self.beta) - proxy.mean) / math.sqrt(proxy.variance))

    def slope(self, u: Array) -> Array:
        """Return its slope by u."""
        slope = self.phi.slope(self.gamma * u + self.beta)
        return np.asarray(self.gamma * slope / math.sqrt(self._proxy.variance))

    def slopes(self, mean: float, sd_a: Array, sd_b: Array, rho: Array) -> Array:
        """Return the mean product of two slopes (see :meth:`~lrbound.activations.base.Activation.pair`)."""
        g = abs(self.gamma)
        pair = self.phi.pair(self.gamma * mean + self.beta, g * sd_a, g * sd_b, rho)
        return g**2 / self._proxy.variance * pair.slope


def activate_by_proxy(
    phi: Activating, kernel: Kernel, ctx: Context, *, gamma: float, beta: float, eps: float, learnable: bool
) -> tuple[Kernel, Pullback]:
    """Return the kernel of (phi(gamma x + beta) - m)/sqrt(V) and its pullback.

    m and V do not depend on x, so that gradients to x pass as through phi alone; gamma and beta move them.
    """
    proxy = _proxy(phi, gamma, beta, eps)
    shift = (gamma * kernel.mean + beta) ** 2 - (gamma * kernel.mean) ** 2
    scaled = kernel.becomes(
        gamma**2 * kernel.pair + shift,
        gamma**2 * kernel.site,
        mean=gamma * kernel.mean + beta,
        gaussian=kernel.gaussian,
        near=None if kernel.near is None else kernel.near.scaled(gamma**2),
    )
    activated, pull_phi = activate(phi, scaled, ctx)
    drop = proxy.mean * _means(phi, scaled)
    # E (h_a - m)(h_b - m); positions at a border have a variance, and so a mean, of their own
    offset = drop[..., :, None, :, None] + drop[..., None, :, None, :] - proxy.mean**2
    pair = (activated.pair - offset[..., None, :, :, :, :]) / proxy.variance
    near = None if activated.near is None else activated.near.scaled(1.0 / proxy.variance)
    out = kernel.becomes(pair, activated.site / proxy.variance, gaussian=False, near=near)

    def pull(gradient: Gradient) -> tuple[Gradient, Share]:
        factor = gamma**2 / proxy.variance
        below = pull_phi(Gradient(gradient.delta.scaled(factor)))[0]
        lean = below.excess
        excess = None if lean is None else lambda: lean().scaled(gamma**2)
        total = np.zeros_like(gradient.delta.total())
        if learnable:
            total = _by_parameters(gradient.delta, proxy, kernel)
        return Gradient(below.delta, excess), Share(total[..., 0], total[..., 1])

    return out, pull


def _means(phi: Activating, kernel: Kernel) -> Array:
    """Return E phi(u) by class of positions."""
    z, w = _nodes()
    own = kernel.on_site[..., SAME, :, :] - kernel.mean**2
    sd = np.sqrt(np.maximum(own, 0.0))
    distinct, inverse = np.unique(sd, return_inverse=True)
    means = phi.value(kernel.mean + distinct[:, None] * z) @ w
    return means[np.ravel(inverse)].reshape(sd.shape)


def _by_parameters(delta: Sums, proxy: Proxy, kernel: Kernel) -> Array:
    """Return the Fisher values of gamma and beta together: sums of B times E G G', by Mehler's series of G."""
    z, w = _nodes()
    hermite = np.empty((TERMS, len(z)))
    hermite[0], hermite[1] = 1.0, z
    for k in range(1, TERMS - 1):
        hermite[k + 1] = (z * hermite[k] - math.sqrt(k) * hermite[k - 1]) / math.sqrt(k + 1)
    energy = ((proxy.slopes @ (hermite * w).T) ** 2).sum(axis=0)
    whole = float((proxy.slopes**2 @ w).sum())
    energy[-1] += whole - energy.sum()
    between, across = correlations(kernel)
    own = np.full(across.shape, whole)
    pair = np.polynomial.polynomial.polyval(between, energy)
    site = np.stack([own, np.polynomial.polynomial.polyval(across, energy)], axis=-3)
    near = kernel.near
    if near is not None:
        one, other = near.ends(np.sqrt(kernel.on_site[SAME] - kernel.mean**2))
        rho = (near.total(kernel.pair) - kernel.mean**2) / (one * other)
        near = near.beside(np.polynomial.polynomial.polyval(rho, energy), pair)
    return delta.times(pair, site, near).total()
