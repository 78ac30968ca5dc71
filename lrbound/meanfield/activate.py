"""What an activation does to kernels and gradients, position by position."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import lru_cache, partial
from typing import TYPE_CHECKING

import numpy as np

from lrbound.meanfield.gaussian import Pair
from lrbound.meanfield.gradient import Gradient, Sums
from lrbound.meanfield.kernel import CROSS, NORMAL, SAME, Cumulants, Kernel, diagonal, outer
from lrbound.meanfield.normal import trapezoid
from lrbound.notices import Notice

if TYPE_CHECKING:
    from lrbound.meanfield.contract import Activating, Context, Pullback
    from lrbound.meanfield.neighbours import Near
    from lrbound.meanfield.positions import Array

BLOCK = 4096
"""Pairs of neighbours that a function is computed for at a time: its series takes some hundred terms for each."""


def activate(activation: Activating, kernel: Kernel, ctx: Context) -> tuple[Kernel, Pullback]:
    """Return the kernel of phi(u) for Gaussian u, and the pullback.

    Forward E[phi(u_a) phi(u_b)]; backward B times E[phi'(u_a) phi'(u_b)]. The same position of the same sample is one
    variable, so the diagonal is E[phi^2] and E[phi'^2].
    """
    if not kernel.gaussian:
        text = f"{activation.kind} on values that are not Gaussian: taken as Gaussian, which was not checked"
        ctx.warn(Notice("LRB030", text))
    if kernel.parts and kernel.gaussian:
        from lrbound.meanfield.concat import part_by_part

        return part_by_part(lambda part: activate(activation, part, ctx), kernel)
    between, own, across = _pairs(activation, kernel)
    spread = round(math.sqrt(max(kernel.averages()[0] - kernel.mean**2, 0.0)), 9)
    if kernel.few is not None:
        between, own, across = _of_few_inputs(activation, kernel, (between, own, across), spread)
    site = _sites(own.value, across.value, between.value)
    value, slope, stein = _neighbours(activation, kernel, between)
    law = _cumulants(activation, kernel.mean, spread) if kernel.positions > 1 else NORMAL
    middle = partial(_middle, activation, kernel.mean, spread)
    out = kernel.becomes(between.value, site, gaussian=False, middle=middle, near=value, cumulants=law)
    if kernel.gaussian and kernel.positions > 1:
        out = replace(out, under=(kernel, activation))

    def pull(gradient: Gradient) -> tuple[Gradient, None]:
        delta = gradient.delta
        if gradient.masked:
            return Gradient(delta, gradient.excess, turning=gradient.turning), None

        def excess() -> Sums:
            return delta.times(between.stein, _by_sample(own.stein, across.stein), stein)

        below = delta.times(between.slope, _by_sample(own.slope, across.slope), slope)
        if gradient.lean is not None:
            from lrbound.meanfield.leaning import below_activation

            below = below.plus(below_activation(gradient.lean(), activation, kernel.mean, spread))
        return Gradient(below, excess), None

    return out, pull


@lru_cache(maxsize=256)
def _middle(activation: Activating, mean: float, spread: float) -> float:
    """Return E phi(u)."""
    z, weights = trapezoid(9.0, 301)
    return float(activation.value(mean + spread * z) @ weights)


def _cumulants(activation: Activating, mean: float, spread: float) -> Cumulants:
    from lrbound.meanfield.few_inputs import cumulants

    return cumulants(activation, mean, spread)


def _pairs(activation: Activating, kernel: Kernel) -> tuple[Pair, Pair, Pair]:
    """Return the pair functions between classes, of a unit with itself, and of one position in two samples."""
    mean = kernel.mean
    on_site = kernel.on_site - mean**2
    sd = np.sqrt(np.maximum(on_site[..., SAME, :, :], 0.0))
    lifted = sd[..., None, :, :]
    sd_a, sd_b = lifted[..., :, None, :, None], lifted[..., None, :, None, :]
    between = activation.pair(mean, sd_a, sd_b, _correlation(kernel.pair - mean**2, sd_a * sd_b))
    own = activation.local(mean, sd)
    if kernel.site[..., CROSS, :, :].any():
        across = activation.pair(mean, sd, sd, _correlation(on_site[..., CROSS, :, :], sd * sd))
    else:
        across = type(between)(*(diagonal(part)[..., -1, :, :] for part in between))
    return between, own, across


def _of_few_inputs(
    activation: Activating, kernel: Kernel, found: tuple[Pair, Pair, Pair], spread: float
) -> tuple[Pair, Pair, Pair]:
    """Return the pair functions where units see few inputs: those of two positions of one sample are an axis of their own."""
    from lrbound.meanfield.few_inputs import moved, tied

    assert kernel.few is not None
    between, own, across = found
    by = moved(activation, kernel.mean, spread, kernel.few.skewness2, kernel.few.kurtosis)
    kinds = np.array([1.0, 0.0]).reshape(2, 1, 1, 1, 1)
    ties = kinds * tied(kernel)
    pair = kernel.pair - kernel.mean**2
    crossed = kernel.on_site[..., CROSS, :, :] - kernel.mean**2
    return (
        Pair(
            between.value + by.value + by.slope * pair + by.bent_value * ties,
            between.slope + by.slope + by.bent_slope * ties,
            between.stein,
        ),
        Pair(own.value + by.own_value, own.slope + by.own_slope, own.stein),
        Pair(across.value + by.value + by.slope * crossed, across.slope + by.slope, across.stein),
    )


def _neighbours(activation: Activating, kernel: Kernel, between: Pair) -> tuple[Near | None, Near | None, Near | None]:
    """Return what the pair functions have beside those of the classes at neighbouring positions."""
    near = kernel.near
    if near is None:
        return None, None, None
    mean = kernel.mean
    sd_a, sd_b = near.ends(np.sqrt(np.maximum(kernel.on_site[SAME] - mean**2, 0.0)))
    rho = _correlation(near.total(kernel.pair) - mean**2, sd_a * sd_b)
    if not rho.size:
        return near, near, near
    blocks = (slice(start, start + BLOCK) for start in range(0, len(rho), BLOCK))
    found = [activation.pair(mean, sd_a[block], sd_b[block], rho[block]) for block in blocks]
    value, slope, stein = (
        near.beside(np.concatenate(part), classes)
        for part, classes in zip(zip(*found, strict=True), between, strict=True)
    )
    return value, slope, stein


def correlations(kernel: Kernel) -> tuple[Array, Array]:
    """Return the correlations between positions, (..., k, r, r, c, c), and of one position in two samples."""
    on_site = kernel.on_site - kernel.mean**2
    sd = np.sqrt(np.maximum(on_site[..., SAME, :, :], 0.0))
    between = _correlation(kernel.pair - kernel.mean**2, outer(sd)[..., None, :, :, :, :])
    return between, _correlation(on_site[..., CROSS, :, :], sd * sd)


def _correlation(covariance: Array, product: Array) -> Array:
    """Divide, with 0 where a variance is 0, and keep rounding inside [-1, 1]."""
    rho = np.divide(covariance, product, out=np.zeros(np.broadcast(covariance, product).shape), where=product > 0.0)
    return np.clip(rho, -1.0, 1.0, out=rho)


def _by_sample(own: Array, across: Array) -> Array:
    """Put the same-sample and the cross-sample values side by side, shape (..., 2, r, c)."""
    both = np.empty((*own.shape[:-2], 2, *own.shape[-2:]))
    both[..., SAME, :, :] = own
    both[..., CROSS, :, :] = across
    return both


def _sites(own: Array, across: Array, between: Array) -> Array:
    """Return the diagonal part that remains beside the pair part."""
    return _by_sample(own, across) - diagonal(between)
