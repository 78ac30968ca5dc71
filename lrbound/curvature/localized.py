"""Branch ``lo``: one sample's own C x C Gram matrix, for the best sample of the batch.

At small batch, or deep under batch normalisation, the complement of the coherent direction outgrows it, and the top
eigenvector sits on one sample. The sample's C x C Gram matrix starts from b_l and passes the stages as Wishart steps of
nu_m degrees of freedom, so its mean top is sum b E1, E1 the growth of the nested sum. Samples differ: with om_l the layers'
parts of it and Q_m = sum_{l<=m} om_l, the relative norm of a sample injected at stage m weighs

    U_m = own_{m+1} om_{m+1} + sq_{m+1} U_{m+1} + sM_{m+1} own_{m+1} Q_{m+1},        U_{L-1} = om_L,

because a stage passes a norm on with slope sq and its gain reacts with slope sM. The variance of the logarithm between the
samples of a batch is

    sg^2 = sum_m norm_m U_m^2 + own_m^2 gain_m Q_m^2 + own'_m^2 t_m (1.268 s/J)_m^2 Q_m^2 + 2 own_m both_m U_m Q_m,

own_m the share of a sample's gradient that is at the sample itself (:mod:`lrbound.backward.self_gradient`): what batch
statistics have handed to the others averages over them, but for copies, which own' counts. The weights of a Wishart step are the same for all samples; of its
variance the part t = 1 - coh^2 common differs between them, coh the correlation of two samples' gradients above the step
and common that of the squared masks below it. The best of n samples, the largest z of n standard normal numbers, stands out by the
mean of exp(sg z - sg^2/2):

    lo = sum b E1 int exp(sg z - sg^2/2) d Phi(z)^n.

(At the expected z, which is Phi^-1((n - 3/8)/(n + 1/4)) up to 0.03 (Blom 1958), it would be 1 % less for sg^2 = 0.1 and 10 %
for 0.7.) All this is first order in the logarithm. Where the branch can win and layers run in sequence, the best
of drawn samples stands for the integral (:mod:`lrbound.curvature.outliers`), and sg^2 is that of the law with the same best.

Status: derived, with a normal law for the logarithm. Left out: norms and gains that vary together raise the mean over samples by
exp of their covariance.
"""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lrbound.curvature.wishart import Array, grown, log_variance
from lrbound.meanfield.normal import cdf

if TYPE_CHECKING:
    from lrbound.backward.layerwise import LayerwiseStatistics


SMALL_SHARE = 0.25
"""Of the leading coherent value, below which samples are not drawn: the branch does not win then."""
LARGE_GROWTH = 2.0
"""Growth of a small difference between norms on the way up, by first order, from which on samples are drawn instead."""
MOST_SAMPLES = 4096
LARGEST_SPREAD = 6.0


class Localized(NamedTuple):
    """The branch.

    Attributes
    ----------
    parts : ndarray (L,)
        Layers' parts of a typical sample.
    log_variance : float
        Variance of the logarithm between the samples of a batch; of the log-normal law with this ``factor``.
    factor : float
        What the best sample is above a typical one.
    shared : float
        Variance of the logarithm that all samples have in common, between initialisations.
    """

    parts: Array
    log_variance: float
    factor: float
    shared: float

    @property
    def value(self) -> float:
        """Return ``lo``."""
        return self.factor * float(self.parts.sum())


def localized(profile: LayerwiseStatistics) -> Localized:
    """Return the branch ``lo``."""
    n = profile.samples
    values = profile.complement / n
    parts = grown(profile.outputs, values, profile.freedoms(values, profile.one_sample))
    total = float(parts.sum())
    if not total > 0.0:
        return Localized(parts, 0.0, 1.0, 0.0)
    share = parts / total
    stages, below = profile.flow(share)
    steps = log_variance(profile.outputs, profile.one_sample) * stages**2
    apart = profile.own_alike[1:] ** 2 * (1.0 - profile.coherence[1:] ** 2 * profile.common)
    variance = max(float(apart @ steps) + _of_units(profile, share, profile.own_beside * below), 0.0)
    factor = best(math.sqrt(variance), n)
    wins = factor * total > SMALL_SHARE * float(profile.coherent.sum())
    if wins and n <= MOST_SAMPLES and _growth(profile) > LARGE_GROWTH:
        from lrbound.curvature.outliers import best_of_batch

        factor = best_of_batch(profile, share, apart)
        variance = spread_of(factor, n) ** 2
    return Localized(parts, variance, factor, float((1.0 - apart) @ steps))


def _growth(profile: LayerwiseStatistics) -> float:
    """Return by how much a sample's relative norm grows from its source to the last weight layer, at most, to first order."""
    last = np.append(np.zeros(len(profile.complement) - 1), 1.0)
    return float(profile.carried(last, profile.norm_slope, profile.norm_slope, np.zeros_like(profile.norm_slope)).max())


def _of_units(profile: LayerwiseStatistics, share: Array, through: Array) -> float:
    """Return what units of finite number add to the variance: norms, gains and their covariance."""
    weight = profile.carried(profile.own * share, through, profile.norm_slope, profile.gain_slope)
    norms, gains = float(profile.norm @ weight**2), float(profile.gain @ through**2)
    return norms + gains + 2.0 * float(profile.both @ (through * weight[1:])) + _alike(profile, through, weight[1:])


def _alike(profile: LayerwiseStatistics, below: Array, weight: Array) -> float:
    """Return the covariances of norms and gains between different stages that have the same units."""
    norms, gains = np.sqrt(profile.norm[1:]) * weight, np.sqrt(profile.gain) * below
    root = np.sqrt(np.maximum(profile.both, 0.0))
    return sum(
        group.between(norms, norms) + group.between(gains, gains) + 2.0 * group.between(root * weight, root * below)
        for group in profile.routes.readers
    )


def best(spread: float, count: float) -> float:
    """Return the mean over the largest z of ``count`` standard normal numbers of exp(spread z - spread^2/2)."""
    if count <= 1.0 or spread == 0.0:
        return 1.0
    nodes, below = _normal()
    # E exp(s z) = s int exp(s z) P(largest > z) dz, from far below on
    above = -np.expm1(count * np.log(below))
    start = math.exp(spread * float(nodes[0]))
    step = float(nodes[1] - nodes[0])
    return (start + spread * step * float(np.exp(spread * nodes) @ above)) * math.exp(-0.5 * spread**2)


def spread_of(factor: float, count: float) -> float:
    """Return the spread with this ``best``; 0 where there is none."""
    low, high = 0.0, LARGEST_SPREAD
    for _ in range(40):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if best(middle, count) < factor else (low, middle)
    return low


@cache
def _normal() -> tuple[Array, Array]:
    """Return equally spaced numbers and the normal distribution function there."""
    nodes = np.linspace(-9.0, 14.0, 461)
    return nodes, cdf(nodes)
