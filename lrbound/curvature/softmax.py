"""Cross-entropy at finite size: the softmax's own spectrum in each branch (lrbound/theory/mean-field.md, section 7).

The Gauss-Newton matrix is J^T Q J with Q_x = diag(p) - p p^T for each sample x, so that of the outputs' Gram matrix K the
eigenvalues of Q^1/2 K Q^1/2 count. What the branches of K become follows from where their eigenvectors lie:

    co   all samples alike: sum a_l top(W^1/2 E_x Q_x W^1/2),
    lo   one sample:        sum b_l max over x of exp(sg z_x - sg^2/2) top(W^1/2 Q_x W^1/2),
    de   many samples:      de top(W^1/2 E_x Q_x W^1/2)/J times what samples of unlike curvature add,

W the C x C Gram matrix of the outputs' gradients, which prefers combinations of its own. A chain of layers gives it as a
sum of products of Wishart matrices; one Wishart matrix with the same mean J of the largest eigenvalue stands for it here.
In ``de`` the samples have a Gram matrix too, of mean 1 and with the edge de/(sum b_l J) = (1 + sqrt y)^2 of one Wishart
matrix. With k_x the curvature of sample x in the combination of outputs that is the top, over its mean, the edge becomes

    min over z of z (1 + y u),    u = mean over x of k_x/(z - k_x),

which is that of the free product (Voiculescu 1987, as in :mod:`lrbound.curvature.wishart`).
Gaussian logits are drawn with a fixed seed. With Q = 1/C nothing is left of the softmax but the factor. Half of lambda
bounds it all.

Status: derived, but for the one matrix that stands for a chain; logits are taken as independent of norms and gradients.
26 random dense nets (2 to 30 outputs, batches 8 to 200, batch and layer norm or none) that it was written on: median 7 %,
90th percentile 18 %, 90 % intervals held 93 % of 312 initialisations. 32 drawn later, 8 of them convolutional, with 2 to 80
outputs, where samples of unlike curvature were counted after a look at them: median 9 %, 90th percentile 26 %, and intervals
held 85 % of 369. The worst are low, with 50 and 80 outputs (up to 36 %). Above :data:`MOST_DRAWN`
outputs W is left out, and lambda/C is the least.
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
    from numpy.typing import NDArray

    from lrbound.curvature.estimate import BranchEstimates, Finite
    from lrbound.curvature.wishart import Array

    Probabilities = NDArray[np.float32] | Array

MOST_DRAWN = 128
"""Outputs up to which W is drawn."""
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


class Steepest(NamedTuple):
    """The largest eigenvalue of E_x Q_x of every initialisation, shape (initialisations,), and its eigenvector."""

    values: Array
    vectors: Array


def softmax(found: Finite, probabilities: Probabilities, steepest: Steepest) -> tuple[float, float]:
    """Return lambda_max under cross-entropy and the variance of its logarithm.

    Parameters
    ----------
    found : Finite
        That of half_squared_error.
    probabilities : ndarray (initialisations, samples, outputs)
        Softmax of drawn logits.
    steepest : Steepest
        Of the probabilities.
    """
    levels, outputs = found.levels, probabilities.shape[-1]
    curvatures = averaged(probabilities) if outputs <= MOST_DRAWN else None

    def mean_top(grown: float, mean: float) -> float:
        """Return the mean of top(W^1/2 E_x Q_x W^1/2)."""
        return alone.mean if curvatures is None else _law(seen(curvatures, matching(outputs, grown, mean))).mean

    unlike = 1.0 if curvatures is None else _unlike(levels, curvatures, probabilities)
    alone = _law(steepest.values)
    spread_out = mean_top(levels.centre, levels.mean) * (levels.mean / levels.centre if levels.centre > 0.0 else 1.0)
    co, de = (
        levels.coherent_leading * mean_top(levels.coherent, levels.coherent_leading),
        levels.delocalized * spread_out * unlike,
    )
    lo = _localized(found, probabilities) if 0.5 * levels.localized > max(co, de) else Law(0.0, 0.0)
    typical = float(1.0 - np.square(probabilities).sum(axis=2).mean()) / (outputs - 1)
    coherent_coupling_sq = levels.coherent_coupling_sq * (co / levels.coherent) ** 2 if levels.coherent > 0.0 else 0.0
    localized_coupling_sq = (
        levels.localized_coupling_sq * (lo.mean / levels.localized) ** 2 if levels.localized > 0.0 else 0.0
    )
    centre = spread_out * levels.centre
    # samples of unlike curvature give the coherent direction a gradient below batch statistics too: it meets all layers
    mean = typical * levels.mean
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
        value = max(value, found.lambda_max / outputs)
    value = min(value, 0.5 * found.lambda_max)
    of_co, _, of_de = levels.log_variances
    variances = np.array([of_co + alone.variance, lo.variance + interval.MODEL**2, of_de + alone.variance])
    ratios = np.array([co, lo.mean, de]) / value if value > 0.0 else np.zeros(3)
    return value, interval.mixed(ratios, variances)


def _unlike(levels: BranchEstimates, curvatures: Array, probabilities: Probabilities) -> float:
    """Return by how much samples of unlike curvature move the edge of their Gram matrix."""
    grown = math.sqrt(max(levels.delocalized / levels.centre, 1.0)) if levels.centre > 0.0 else 1.0
    ratio = (grown - 1.0) ** 2
    if not ratio > 0.0:
        return 1.0
    count, outputs = len(curvatures), curvatures.shape[1]
    root = _wishart_root(outputs, matching(outputs, levels.centre, levels.mean), count)
    directions = (root @ np.linalg.eigh(np.swapaxes(root, 1, 2) @ curvatures @ root)[1][:, :, -1:])[:, :, 0]
    seen_by = np.einsum("dxk,dk->dx", probabilities, directions**2)
    seen_by -= np.einsum("dxk,dk->dx", probabilities, directions) ** 2
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


def steepest_of(probabilities: Probabilities) -> Steepest:
    """Return the combinations of outputs with the largest mean curvature.

    Up to :data:`MOST_DRAWN` outputs the matrix is small and is formed. Above, power iteration with the n x C matrix p.
    """
    if probabilities.shape[-1] > MOST_DRAWN:
        return _power(probabilities)
    values, vectors = np.linalg.eigh(averaged(probabilities))
    return Steepest(values[:, -1], vectors[:, :, -1])


def noise(probabilities: Probabilities, steepest: Steepest) -> float:
    """Return the curvature that counts for the noise of single samples: E v'Q_x^2 v / E v'Q_x v, v the top of E_x Q_x.

    A step on sample x has the curvature h = J'Q_x J with J J' = K1 for its own gradients. Along the mean gradient of the
    outputs' combination v, of value K2, the second moment of h is K1 K2 v'Q_x^2 v and its mean K2 v'Q_x v (lrbound/theory/mean-field.md, section 7).
    """
    weighted = probabilities * steepest.vectors[:, None, :].astype(probabilities.dtype)
    weighted -= probabilities * weighted.sum(axis=2, keepdims=True)  # Q v
    total = float(steepest.values.sum())
    return float(np.square(weighted).sum(axis=2).mean(axis=1).sum()) / total if total > 0.0 else 0.0


def averaged(probabilities: Probabilities) -> Array:
    """Return E_x Q_x of every initialisation, shape (initialisations, outputs, outputs)."""
    mean = probabilities.mean(axis=1)
    squares = np.array([p.T @ p for p in probabilities]) / probabilities.shape[1]
    found: Array = mean[:, :, None] * np.eye(mean.shape[1]) - squares
    return found


def _localized(found: Finite, probabilities: Probabilities) -> Law:
    """Return the branch ``lo``."""
    levels = found.levels
    draws, samples, outputs = probabilities.shape
    room = max(MATRICES_TIMES_SQUARES // outputs**2, MATRICES)
    used = min(samples, room // FEWEST_DRAWS)
    draws = min(draws, room // used)
    p = probabilities[:draws, :used].reshape(-1, 1, outputs)
    freedom = matching(outputs, levels.typical, levels.mean)
    own = _power(p).values if outputs > MOST_DRAWN else seen(averaged(p), freedom, used)
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
    """Return nu of the Wishart matrix whose largest eigenvalue has the mean ``grown``/``mean``."""
    return _inverse(outputs, round(grown / mean, 6)) if mean > 0.0 and grown > mean else math.inf


@cache
def _inverse(outputs: int, growth: float) -> float:
    nu = np.exp(np.linspace(math.log(0.5), math.log(1e9), 400))
    means = np.maximum.accumulate(top(outputs, nu).mean[::-1])
    return float(np.exp(np.interp(growth, means, np.log(nu[::-1]))))


def _power(probabilities: Probabilities) -> Steepest:
    """Return the largest eigenvalues of diag(mean p) - mean(p p^T), and their vectors, from the n x C matrices p."""
    mean = probabilities.mean(axis=1)
    v = mean - mean.mean(axis=1, keepdims=True)
    v[np.arange(len(v)), mean.argmax(axis=1)] += 1.0
    values = np.zeros(len(mean))
    for _ in range(200):
        v /= np.linalg.norm(v, axis=1, keepdims=True)
        along = np.swapaxes(probabilities @ v[:, :, None], 1, 2) @ probabilities
        image = mean * v - along[:, 0] / probabilities.shape[1]
        before, values = values, (v * image).sum(axis=1)
        if (abs(values - before) <= 1e-4 * values).all():
            break
        v = image
    return Steepest(values, v)
