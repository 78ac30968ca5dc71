"""Losses whose Hessian depends on the outputs, at finite size: its own spectrum in each branch.

See lrbound/theory/mean-field.md, section 7.

The Gauss-Newton matrix is J^T Q J with the Hessian Q_x of the loss of each sample x (of cross-entropy diag(p) - p p^T), so
that of the outputs' Gram matrix K the eigenvalues of Q^1/2 K Q^1/2 count. What the branches of K become follows from where
their eigenvectors lie:

    co   all samples alike: sum a_l top(W^1/2 E_x Q_x W^1/2),
    lo   one sample:        sum b_l max over x of exp(sg z_x - sg^2/2) top(W^1/2 Q_x W^1/2),
    de   many samples:      de top(W^1/2 E_x Q_x W^1/2)/J times what samples of unlike curvature add,

W the C x C Gram matrix of the outputs' gradients, which prefers combinations of its own. A chain of layers gives it as a
sum of products of Wishart matrices; one Wishart matrix with the same mean J of the largest eigenvalue stands for it here.
In ``de`` the samples have a Gram matrix too, of mean 1 and with the edge de/(sum b_l J) = (1 + sqrt y)^2 of one Wishart
matrix. With k_x the curvature of sample x in the combination of outputs that is the top, over its mean, the edge becomes

    min over z of z (1 + y u),    u = mean over x of k_x/(z - k_x),

which is that of the free product (Voiculescu 1987, as in :mod:`lrbound.curvature.wishart`).
Gaussian logits are drawn with a fixed seed. With Q = 1/C nothing is left of the softmax but the factor. The largest
eigenvalue that Q can have (1/2 of a softmax) times lambda bounds it all.

Status: derived, but for the one matrix that stands for a chain; logits are taken as independent of norms and gradients. Where C x
C matrices are too large to be formed (:mod:`lrbound.losses._hessians`) W is left out, and lambda/C is the least.
"""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lrbound.curvature import interval
from lrbound.curvature.combine import combine
from lrbound.curvature.localized import best
from lrbound.curvature.wishart import top
from lrbound.meanfield import normal

if TYPE_CHECKING:
    from lrbound.curvature.estimate import BranchEstimates, Finite
    from lrbound.curvature.wishart import Array
    from lrbound.losses._hessians import OutputHessians
    from lrbound.losses.base import Logits, Loss

MATRICES_TIMES_SQUARES = 400_000
"""Entries of the matrices of single samples that are drawn, some 30 ms."""
MATRICES, FEWEST_DRAWS = 128, 8
"""How many there are at least, and of how many initialisations."""
EDGE_POINTS = 60
"""Values of z, at equal ratios of its distance from the largest curvature."""


class Law(NamedTuple):
    """Mean over initialisations, and relative variance."""

    mean: float
    variance: float


def of_loss(found: Finite, loss: Loss, logits: Logits) -> tuple[float, float]:
    """Return lambda_max of a loss and the variance of its logarithm over initialisations.

    Parameters
    ----------
    found : Finite
        That of half_squared_error, at finite size.
    loss : Loss
    logits : Logits
    """
    hessians = loss.hessians(logits, found.levels.samples)
    if hessians is None:
        return loss.factor(logits) * found.lambda_max, found.log_variance
    return with_hessians(found, hessians)


def with_hessians(found: Finite, hessians: OutputHessians) -> tuple[float, float]:
    """Return lambda_max under a loss with these Hessians in the outputs, and the variance of its logarithm.

    Parameters
    ----------
    found : Finite
        That of half_squared_error.
    hessians : OutputHessians
        At drawn logits.
    """
    levels, outputs = found.levels, hessians.diagonal.shape[-1]
    curvatures = hessians.averaged() if hessians.are_formed else None
    alone = _law(hessians.steepest.values)

    def mean_top(grown: float, mean: float) -> float:
        """Return the mean of top(W^1/2 E_x Q_x W^1/2)."""
        return alone.mean if curvatures is None else _law(seen(curvatures, matching(outputs, grown, mean))).mean

    unlike = 1.0 if curvatures is None else _unlike(levels, curvatures, hessians)
    spread_out = mean_top(levels.centre, levels.mean) * (levels.mean / levels.centre if levels.centre > 0.0 else 1.0)
    co, de = (
        levels.coherent_leading * mean_top(levels.coherent, levels.coherent_leading),
        levels.delocalized * spread_out * unlike,
    )
    lo = _localized(found, hessians) if hessians.most * levels.localized > max(co, de) else Law(0.0, 0.0)
    coherent_coupling_sq = levels.coherent_coupling_sq * (co / levels.coherent) ** 2 if levels.coherent > 0.0 else 0.0
    localized_coupling_sq = (
        levels.localized_coupling_sq * (lo.mean / levels.localized) ** 2 if levels.localized > 0.0 else 0.0
    )
    centre = spread_out * levels.centre
    # samples of unlike curvature give the coherent direction a gradient below batch statistics too: it meets all layers
    mean = hessians.typical * levels.mean
    value = combine(
        co,
        lo.mean,
        de,
        mean,
        centre,
        coherent_coupling_sq=coherent_coupling_sq,
        localized_coupling_sq=localized_coupling_sq,
    ).value
    if curvatures is None:
        value = max(value, hessians.least * found.lambda_max)
    value = min(value, hessians.most * found.lambda_max)
    of_co, _, of_de = levels.log_variances
    variances = np.array([of_co + alone.variance, lo.variance + interval.MODEL**2, of_de + alone.variance])
    ratios = np.array([co, lo.mean, de]) / value if value > 0.0 else np.zeros(3)
    return value, interval.mixed(ratios, variances)


def _unlike(levels: BranchEstimates, curvatures: Array, hessians: OutputHessians) -> float:
    """Return by how much samples of unlike curvature move the edge of their Gram matrix."""
    grown = math.sqrt(max(levels.delocalized / levels.centre, 1.0)) if levels.centre > 0.0 else 1.0
    ratio = (grown - 1.0) ** 2
    if not ratio > 0.0:
        return 1.0
    count, outputs = len(curvatures), curvatures.shape[1]
    root = _wishart_root(outputs, matching(outputs, levels.centre, levels.mean), count)
    directions = (root @ np.linalg.eigh(np.swapaxes(root, 1, 2) @ curvatures @ root)[1][:, :, -1:])[:, :, 0]
    seen_by = hessians.along(directions)
    mean = seen_by.mean(axis=1, keepdims=True)
    if not (mean > 0.0).all():
        return 1.0
    apart = seen_by / mean
    least = apart.max(axis=1)
    edges = np.full(count, math.inf)
    for above in np.geomspace(1e-3, 1e3, EDGE_POINTS):
        z = least + above
        edges = np.minimum(edges, z * (1.0 + ratio * (apart / (z[:, None] - apart)).mean(axis=1)))
    return float(edges.mean()) / grown**2


def _localized(found: Finite, hessians: OutputHessians) -> Law:
    """Return the branch ``lo``."""
    levels = found.levels
    draws, samples, outputs = hessians.diagonal.shape
    room = max(MATRICES_TIMES_SQUARES // outputs**2, MATRICES)
    used = min(samples, room // FEWEST_DRAWS)
    draws = min(draws, room // used)
    single = hessians.single(draws, used)
    freedom = matching(outputs, levels.typical, levels.mean)
    own = seen(single.averaged(), freedom, used) if hessians.are_formed else single.steepest.values
    norms = np.exp(levels.spread * normal.draws(2, (draws, used)) - 0.5 * levels.spread**2)
    law = _law((norms * own.reshape(draws, used)).max(axis=1))
    more = best(levels.spread, levels.samples) / best(levels.spread, used)
    return Law(levels.mean * more * law.mean, law.variance)


def _law(values: Array) -> Law:
    mean = float(values.mean())
    return Law(mean, float(np.var(values / mean)) if mean > 0.0 else 0.0)


def seen(curvatures: Array, freedom: float, alike: int = 1) -> Array:
    """Return top(W^1/2 Q W^1/2) for matrices Q; ``alike`` of them at a time have the same W."""
    if math.isinf(freedom):
        return np.asarray(np.linalg.eigvalsh(curvatures)[:, -1], dtype=np.float64)
    count, outputs = curvatures.shape[:2]
    root = np.repeat(_wishart_root(outputs, freedom, count // alike), alike, axis=0)
    seen = np.swapaxes(root, 1, 2) @ curvatures @ root
    return np.asarray(np.linalg.eigvalsh(seen)[:, -1], dtype=np.float64)


def _wishart_root(outputs: int, freedom: float, count: int) -> Array:
    """Return L of Wishart matrices L L^T of mean 1: normal numbers below a diagonal of chi variables (Bartlett 1933).

    A chi variable of k degrees is close to normal of mean sqrt(k - 1/2) and variance 1/2 (Fisher 1922). With fewer degrees
    of freedom than outputs only so many columns are there, the last one in part.
    """
    if math.isinf(freedom):
        return np.broadcast_to(np.eye(outputs), (count, outputs, outputs))
    at = np.arange(outputs)
    left = np.maximum(freedom - at, 0.0)
    root = np.tril(normal.draws(3, (count, outputs, outputs)), -1)
    root[:, at, at] = np.sqrt(np.maximum(left - 0.5, 0.0)) + math.sqrt(0.5) * normal.draws(4, (count, outputs))
    root *= np.sqrt(np.minimum(left, 1.0))
    scaled: Array = root * math.sqrt(outputs * count / np.square(root).sum())
    return scaled


def matching(outputs: int, grown: float, mean: float) -> float:
    """Return nu of the Wishart matrix whose largest eigenvalue has the mean ``grown``/``mean``; one output has 1 alone."""
    return _inverse(outputs, round(grown / mean, 6)) if outputs > 1 and grown > mean > 0.0 else math.inf


@cache
def _inverse(outputs: int, growth: float) -> float:
    nu = np.exp(np.linspace(math.log(0.5), math.log(1e9), 400))
    means = np.maximum.accumulate(top(outputs, nu).mean[::-1])
    return float(np.exp(np.interp(growth, means, np.log(nu[::-1]))))
