"""Layers on kernels between single samples: the rows of the map are samples, its columns positions, all of one class.

Independent pixels and filters leave a kernel between positions two values a pair of samples, one for different positions
and, in one sample, one for a position with itself. Zero padding is left out: borders are alike in all samples.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lrbound.meanfield.gradient import Gradient, Sums
from lrbound.meanfield.kernel import SAME, Kernel, outer
from lrbound.meanfield.normal import trapezoid
from lrbound.meanfield.positions import uniform

if TYPE_CHECKING:
    from lrbound.meanfield.contract import Pullback
    from lrbound.meanfield.gradient import Share
    from lrbound.meanfield.positions import Array
    from lrbound.meanfield.statistics import Statistics


def pooled(kernel: Kernel, fewer: int, *, averaged: float) -> tuple[Kernel, Pullback]:
    """Return the kernel on ``fewer`` times fewer positions, each the mean of ``averaged`` ones, and the pullback."""
    positions = max(1, round(kernel.cols.size / fewer))
    out = Kernel(
        kernel.channels,
        kernel.rows,
        uniform(positions),
        kernel.pair,
        kernel.site / averaged,
        kernel.mean,
        kernel.gaussian,
        middle=kernel.middle,
    )

    def pull(gradient: Gradient) -> tuple[Gradient, None]:
        return Gradient(Sums(gradient.delta.pair, gradient.delta.site / averaged)), None

    return out, pull


def normalised(
    kernel: Kernel, statistics: Statistics, *, gamma: float, beta: float, eps: float
) -> tuple[Kernel, Pullback]:
    """Return the kernel of gamma zhat + beta for statistics of each sample, and the pullback.

    The mean over S channels and all positions takes 1/S of what positions have in common; what the mean and the variance
    absorb of a gradient beside is two of S P directions and left out.
    """
    kept = 1.0 - 1.0 / statistics.channels if statistics.centred else 1.0
    shift = kernel.mean**2
    pair, site = kept * (kernel.pair - shift), kernel.site
    rows = np.arange(pair.shape[-3])
    variance = pair[SAME, rows, rows, 0, 0] + site[SAME, :, 0]
    inverse = (gamma / np.sqrt(variance + eps))[:, None]
    scale, own = outer(inverse)[None], inverse[None] ** 2
    out = kernel.becomes(pair * scale + beta**2, site * own, mean=beta, gaussian=kernel.gaussian)

    def pull(gradient: Gradient) -> tuple[Gradient, None]:
        delta = gradient.delta
        pairs, sites = delta.pair * (kept * scale[:, None]), delta.site * own[:, None]
        return Gradient(Sums(pairs, sites)), None

    return out, pull


LEAST_SHARE = 0.02
"""Share of a direction in the variance of a unit from which on units differ by how much of it they see."""


def uneven_units(
    kernel: Kernel, statistics: Statistics, above: Kernel, pull: Pullback, *, through: bool
) -> tuple[Kernel, Pullback]:
    """Correct what a normaliser over the batch leaves of gradients along the samples' first principal component.

    A unit that weighs the component with a (standard normal) has the variance s^2 = e a^2 + 1 - e, e the component's share,
    and a part zeta^2 = e a^2/s^2 of zhat along it, which the Jacobian removes: what is left of a gradient along the component
    is E[(1 - zeta^2)^2/s^2] = (1 - e)^2 E s^-6, carried by the units that see little of it. With independent moments, as the
    normaliser's own pullback has them, it is up to several times less.
    """
    share, direction = _first_component(kernel, statistics.samples)
    if not through or share < LEAST_SHARE:
        return above, pull
    mixed = _mix(statistics.samples)
    common = float(np.tensordot(mixed, _both(kernel)[..., 0, 0], 1).mean())
    variance = float(np.diagonal(kernel.pair[SAME, ..., 0, 0]).mean() + kernel.site[SAME].mean()) - common
    a, weights = trapezoid(9.0, 901)
    left = float(((1.0 - share) ** 2 / (share * a * a + 1.0 - share) ** 3) @ weights) / variance
    one = _sums_along(direction, mixed)
    model = float(_along(pull(Gradient(one))[0].delta, direction)[..., 0])
    if model <= 0.0:  # a gamma of 0 passes no gradient on
        return above, pull
    gamma2 = float(np.diagonal(above.pair[SAME, ..., 0, 0]).mean() + above.site[SAME].mean() - above.mean**2)
    factor = gamma2 * left / model

    def corrected(gradient: Gradient) -> tuple[Gradient, Share | None]:
        below, share = pull(gradient)
        more = (factor - 1.0) * _along(below.delta, direction)
        pair = below.delta.pair + more[..., None, None, None, None, None] * one.pair[0]
        site = below.delta.site + more[..., None, None, None] * one.site[0] / kernel.positions
        return Gradient(Sums(pair, site)), share

    return above, corrected


def _mix(samples: float) -> Array:
    """Return the share of pairs within one copy of the samples and between copies."""
    return np.array([1.0 / samples, 1.0 - 1.0 / samples])


def _both(kernel: Kernel) -> Array:
    return np.broadcast_to(kernel.pair, (2, *kernel.pair.shape[1:]))


def _first_component(kernel: Kernel, samples: float) -> tuple[float, Array]:
    """Return the share of the variance, and the direction between samples, of their first principal component."""
    mixed = np.tensordot(_mix(samples), _both(kernel)[..., 0, 0], 1)
    centred = mixed - mixed.mean(axis=0) - mixed.mean(axis=1)[:, None] + mixed.mean()
    values, vectors = np.linalg.eigh(centred)
    total = float(np.diagonal(kernel.pair[SAME, ..., 0, 0]).sum() + kernel.site[SAME].sum()) - len(mixed) * float(
        mixed.mean()
    )
    return (float(values[-1]) / total if total > 0.0 else 0.0), vectors[:, -1]


def _along(sums: Sums, direction: Array) -> Array:
    """Return v' B v for sums (..., directions, 2, m, m, 1, 1), both kinds of pairs together."""
    matrix = sums.pair[..., 0, 0].sum(axis=-3)
    return np.einsum("i,...ij,j->...", direction, matrix, direction)


def _sums_along(direction: Array, mixed: Array) -> Sums:
    pair = mixed[:, None, None] * np.outer(direction, direction)
    pair = np.stack([pair, pair])[..., None, None]
    return Sums(pair, np.einsum("...iiab->...ia", pair))
