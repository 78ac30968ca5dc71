"""The Jacobian of a normaliser: gradients through mean and variance of every kind of statistics.

delta -> (gamma/s) [delta - alpha mean(delta) - alpha zhat mean(delta zhat)], means over the set
(lrbound/theory/normalisers.md, section 2). Of the second moments B = E[delta delta'] the terms of first and second
order in alpha are T1 and T2; those of zhat with the gradient are Gaussian moments, and what in delta depends on zhat itself
is Stein's term (``excess``).

Status: derived. The coherent part under flatten heads is within 1 % of drawn Gaussian fields; under pooled heads, where all
but a few thousandths cancels, what is left under zero-padded maps is 10 to 40 % below drawn fields (third order in the
channels' mean fields is left out), 0.03 % of lambda_max.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lrbound.meanfield.class_operator import Operator
from lrbound.meanfield.kernel import SAME, outer
from lrbound.meanfield.quadratic_form import INFINITE

if TYPE_CHECKING:
    from lrbound.meanfield.gradient import Gradient, Sums
    from lrbound.meanfield.positions import Array
    from lrbound.meanfield.small_sets import Mixture
    from lrbound.meanfield.statistics import Normalised


def pull_through(
    gradient: Gradient,
    zhat: Normalised,
    gamma2: float,
    mixture: Mixture | None = None,
    *,
    through: bool,
) -> tuple[Sums, Sums]:
    """Return delta below the normaliser, and E[delta delta' zhat zhat'], whose sum is the Fisher value of gamma.

    Parameters
    ----------
    through : bool
        Whether gradients run through statistics over the batch; those of a sample always let them.
    """
    lean = _lean_on(gradient, zhat, gamma2)
    product = gradient.delta.times(zhat.pair, zhat.on_site, zhat.near)
    if lean is not None:
        product = product.plus(lean)
    delta = zhat.classes.sums(gradient.delta)
    if through or not zhat.statistics.batch:
        project = _over_batch if zhat.statistics.batch else _of_sample
        factor = 1.0 if mixture is None else mixture.factor(rectified=gradient.excess is not None)
        delta = project(delta, product, _leans(gradient, lean, zhat), zhat, factor)
    scale = gamma2 * np.array(zhat.inverse)
    below = zhat.classes.unsums(delta.scaled(scale))
    if zhat.near is not None:
        from lrbound.meanfield.neighbours import follow

        scaled = gradient.delta.times(scale[:, None, None, None, None], scale[:, None, None])
        below = follow(scaled, below, zhat.near)
    return below, product


def _lean_on(gradient: Gradient, zhat: Normalised, gamma2: float) -> Sums | None:
    """Return E[delta delta' zhat zhat'] - E[delta delta'] rho: what in delta depends on zhat itself (Stein)."""
    if gradient.excess is None:
        return None
    # u = gamma zhat (+ a part independent of zhat): zhat is correlated with u by gamma rho_aa / Var u
    own = zhat.on_site[SAME]
    return gradient.excess().times(gamma2 * outer(own)[None], np.stack([gamma2 * own**2] * 2))


def _leans(gradient: Gradient, lean: Sums | None, zhat: Normalised) -> Operator | Array | None:
    """Return how the gradient at one position depends on zhat elsewhere, zhat at its own position being given (Stein).

    By direction, kind of pairs and class: k, the sums over one end of Z - B rho over rho(a, a), where delta depends on
    the value at its own position alone; else the matrix, as sums over classes, of which k is the diagonal.
    """
    if lean is None:
        return None
    if gradient.turning is not None:
        return zhat.classes.sums(gradient.turning())
    sums = lean.pair.sum(axis=(-3, -1))
    own = zhat.classes.counts * zhat.on_site[SAME].ravel()
    sums = sums.reshape(*sums.shape[:-2], -1)
    k: Array = np.divide(sums, own, out=np.zeros_like(sums), where=np.broadcast_to(own, sums.shape) > 0.0)
    return k


def _of_sample(delta: Operator, product: Sums, k: Operator | Array | None, zhat: Normalised, factor: float) -> Operator:
    """Return delta below statistics of one sample: each kind of pairs by itself.

    B - T1/M + T2/M^2, T1 = rho_S B + B rho_S + rho (k(a) + k(b)), T2 = S rho sum(Z) + rho_S B rho_S + rho B rho +
    rho k rho_S + rho_S k rho; then the means are taken off. ``factor`` multiplies the part that is equal at all positions.
    """
    classes, rho, s = zhat.classes, zhat.rho, float(zhat.statistics.channels)
    m = s * classes.size
    total = product.pair.sum(axis=(-4, -3, -2, -1))
    own = _both(rho.kind(SAME))
    left = own @ delta
    once = left + left.transpose()
    crossed = left @ own + rho @ delta @ rho
    if isinstance(k, Operator):
        leaning = rho @ k
        once = once + leaning + leaning.transpose()
        chain = own @ leaning.transpose()
        crossed = crossed + chain + chain.transpose()
    elif k is not None:
        once = once + classes.traces(rho.weighted(k))
        chain = rho.times_diagonal(k) @ own
        crossed = crossed + classes.traces(chain + chain.transpose())
    sphere = np.ones_like(total)
    sphere[..., SAME] = _on_sphere(total[..., SAME] * m, classes.trace_of_sums(crossed)[..., SAME])
    twice = classes.traces(rho).scaled(s * total) + crossed
    below = delta - once.scaled(1.0 / m) + twice.scaled(sphere / m**2)
    if zhat.statistics.centred:
        below = below - classes.absorbed(below, 1.0, s)
    return below if factor == 1.0 else below + classes.constant_part(below).scaled(factor - 1.0)


def _over_batch(
    delta: Operator, product: Sums, k: Operator | Array | None, zhat: Normalised, factor: float
) -> Operator:
    """Return delta below statistics over the batch, in the two eigenspaces that exchangeable samples leave.

    In the mean over the batch, and apart from it, all products are those of positions alone: with R = rho/n there, and k
    on the diagonal where it is known by class,

    B - alpha T1/M + alpha^2 T2/M^2, T1/n = R (B + k) + (B + k)' R, T2/n^2 = S R sum(Z) + R (2 B + k + k') R,

    and the means are taken off what the batch has in common.
    """
    classes, statistics, s = zhat.classes, zhat.statistics, float(zhat.statistics.channels)
    m = s * classes.size
    once = statistics.alpha / m
    r, (there, back) = zhat.spaces, statistics.spaces
    total = product.pair.sum(axis=(-5, -4, -3, -2, -1))
    b = delta.combined(there)
    leaning = b
    if isinstance(k, Operator):
        leaning = b + k.mixed(np.ones(2))
    elif k is not None:
        leaning = classes.with_diagonal(b, k.sum(axis=-2, keepdims=True))
    left = zhat.times(leaning)
    crossed = zhat.times(left.transpose())
    if isinstance(k, Operator):
        crossed = crossed.symmetric().scaled(0.5)
    below = b.plus(left.symmetric(), -once)
    samples = np.array([1.0, min(statistics.samples, INFINITE) - 1.0])
    sphere = _on_sphere(total * m, 2.0 * classes.trace_of_sums(crossed) @ samples)[..., None] * once**2
    below = below.plus(crossed, 2.0 * sphere).plus(classes.traces(r), s * total[..., None] * sphere)
    in_mean = np.array([1.0, 0.0])
    if statistics.centred:
        mean = below.kind(0)
        mean.matrix[...] -= classes.absorbed(mean, statistics.alpha, s).matrix
    if factor != 1.0:
        below = below + classes.constant_part(below).scaled((factor - 1.0) * in_mean)
    return below.combined(back)


def _on_sphere(along: Array, crossed: Array) -> Array:
    """Return the fourth moments of zhat over those of Gaussians: sum zhat^2 = M makes the trace of T2 M sum(Z)."""
    whole = along + crossed
    return np.divide(along, whole, out=np.ones_like(whole), where=whole > 0.0)


def _both(operator: Operator) -> Operator:
    return Operator(operator.matrix[None], operator.rest[None])
