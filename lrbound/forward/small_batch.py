"""Small batches under batch normalisation: zhat is uniform on a sphere, not Gaussian.

The n values of a unit after normalisation satisfy |zhat|^2 = n and sum zhat = 0, so a pair of them is

    z = sqrt(n-1) r cos t,    z' = c z + sqrt(1 - c^2) sqrt(n-1) r sin t,    r^2 = 1 - u^(2/(n-3)),

u uniform in (0, 1), t uniform on the circle, c = -1/(n-1); with R^2 = -2 ln u for (n-1) r^2 the same formula is the
Gaussian pair that the leading order takes. The means that enter (z under phi(gamma z + beta)):

    A = E phi^2, X = E phi phi', M = E phi'^2, M0 = E phi' phi'', S = E z^2 phi'^2, SX = E z phi' z' phi''
    r1 = M - M0 - SX - S/(n-1)      the all-ones direction turns into the complement
    rP = M - S/(n-1) - r1/n         the complement stays

(primes on phi: slopes in the two samples.) Homogeneous functions, ReLU above all, have the same values in both laws,
and are not touched, and ratios are kept between 1/4 and 4, because r1 is a small difference. The ratios of A - X and of
A + (n-1) X move the kernel above the activation; those of r1 and rP the gradient that reaches it.

Status: derived.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache, lru_cache
from typing import TYPE_CHECKING

import numpy as np

from lrbound.forward.roles import absorbs, homogeneous
from lrbound.forward.sweep import GAUSSIAN, Fork, SphereRatios
from lrbound.meanfield.gradient import Gradient, Sums
from lrbound.meanfield.kernel import CROSS, SAME

if TYPE_CHECKING:
    from lrbound.forward.sweep import Chain, Step
    from lrbound.meanfield.contract import Context
    from lrbound.meanfield.gaussian import Curve
    from lrbound.meanfield.positions import Array

_RADII, _ANGLES = 200, 32
LARGEST_BATCH = 2048
"""Above it the two laws differ by less than 0.1 % a layer."""


@lru_cache(maxsize=64)
def correction(curve: Curve, gamma: float, beta: float, samples: float) -> SphereRatios:
    """Return the ratios for phi(gamma zhat + beta) at a batch of ``samples``."""
    if not 4.0 <= samples <= LARGEST_BATCH or (beta == 0.0 and homogeneous(curve)):
        return GAUSSIAN
    u, _ = _uniform()
    sphere = (samples - 1.0) * (1.0 - u ** (2.0 / (samples - 3.0)))
    true, gaussian = (_means(curve, gamma, beta, samples, np.sqrt(radius)) for radius in (sphere, -2.0 * np.log(u)))
    ratio = np.divide(true, gaussian, out=np.ones_like(true), where=np.abs(gaussian) > 1e-9 * np.abs(gaussian).max())
    return SphereRatios(*np.clip(ratio, 0.25, 4.0).tolist())


@cache
def _uniform() -> tuple[Array, Array]:
    u = (np.arange(_RADII) + 0.5) / _RADII
    t = 2.0 * np.pi * (np.arange(_ANGLES) + 0.5) / _ANGLES
    return u[:, None], t


def _means(curve: Curve, gamma: float, beta: float, n: float, radius: Array) -> Array:
    c = -1.0 / (n - 1.0)
    _, t = _uniform()
    z = radius * np.cos(t)
    other = c * z + np.sqrt(1.0 - c * c) * radius * np.sin(t)
    value, value_other = curve.value(gamma * z + beta), curve.value(gamma * other + beta)
    slope, slope_other = curve.slope(gamma * z + beta), curve.slope(gamma * other + beta)
    a, x = np.mean(value**2), np.mean(value * value_other)
    m, m0 = np.mean(slope**2), np.mean(slope * slope_other)
    s, sx = np.mean((z * slope) ** 2), np.mean(z * slope * other * slope_other)
    r1 = m - m0 - sx - s / (n - 1.0)
    return np.array([a - x, a + (n - 1.0) * x, m - s / (n - 1.0) - r1 / n, r1, m, m0])


def on_sphere(step: Step, below: Chain, ctx: Context) -> Step:
    """Return an activation directly above batch norm of flat features with the kernel and the ratios of the sphere; others as they are."""
    curve, under = step.node.layer.curve, below[-1] if below else None
    if curve is None or under is None or isinstance(under, Fork) or step.below.positions > 1 or not ctx.through:
        return step
    if not absorbs(under.node.layer, under.below.channels, ctx.samples):
        return step
    kernel, n = step.below, ctx.samples
    gamma = math.sqrt(max(kernel.averages()[0] - kernel.mean**2, 0.0))
    found = correction(curve, round(gamma, 12), kernel.mean, n)
    if found is GAUSSIAN:
        return step
    same, cross = step.above.averages()
    varying, whole = found.varying * (same - cross), found.mean * (same + (n - 1.0) * cross)
    pair = step.above.pair + ((whole - varying) / n - cross)
    site = np.array([varying, 0.0]).reshape(step.above.site.shape)
    return step.above_is(replace(step.above, pair=pair, site=site))._replace(sphere=found)


def passed_on(gradient: Gradient, found: SphereRatios, samples: float) -> Gradient:
    """Return a gradient above an activation such that the Gaussian pullback gives what the sphere does.

    Its part in the all-ones direction of the batch, and the rest.
    """
    if gradient.passed or gradient.portions:
        return gradient

    def scaled(sums: Array) -> Array:
        same, cross = sums[:, SAME], sums[:, CROSS]
        ones = found.from_ones * (same + cross) / samples
        rest = found.passed * (same - cross / (samples - 1.0)) / samples
        return np.stack([ones + (samples - 1.0) * rest, (samples - 1.0) * (ones - rest)], axis=1)

    return replace(gradient, delta=Sums(scaled(gradient.delta.pair), scaled(gradient.delta.site)))
