"""Degrees of freedom of the mean over the batch: what the C x C Gram matrix of the coherent direction averages over.

Unit j of a stage sees the outputs' gradients w (C x positions, Gaussian with the backward kernel G above the masks) and
adds w D_j w' to the Gram matrix, D_j(a, b) its tangent kernel below the masks, averaged over pairs of samples. So

    nu = C (sum tr G E D)^2 / sum E tr (G D_j)^2.

Above the masks the coherent direction is alike for all samples at the outputs; further down it is exchangeable, with the
eigenspaces G_1 = G_S + (n-1) G_X (once) and G_S - G_X (n-1 times), whose traces add. E D = J0 o K, K the kernel of the
values standing for the tangent kernel, as in :mod:`lrbound.backward.dof`. A pooled head has one signal a unit and counts
as C, however many positions it averages.

E tr (G D_j)^2 exceeds tr (G E D)^2 because units have means m ~ N(0, X) over the batch that switch them on or off:
D_j = p p' o K, p(a) the unit's mean slope. The factor R is a mean over drawn fields m, the part along the largest
eigenvector of X in strata (lrbound/theory/normalisers.md, section 5: plain draws leave nu a factor of 2 off); for flat
features it is E p^4/(E p^2)^2. Small sets of channels have more: within a set the normaliser couples the units, D =
Q'KQ with Q = (p - p/S - m h'/S)/s, and S E tr Q^2/(E tr Q)^2 exceeds the kurtosis of p (lrbound/theory/normalisers.md, section 4).

Status: derived, but for K.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lrbound.backward.class_matrix import backward_kernel, forward_kernel, times_varying
from lrbound.backward.dof import Signal, mask_correlation, participation
from lrbound.backward.measures import COHERENT, TRACE, own_part
from lrbound.meanfield.kernel import CROSS, SAME
from lrbound.meanfield.normal import draws, quantile, trapezoid
from lrbound.meanfield.quadratic_form import INFINITE

if TYPE_CHECKING:
    from lrbound.backward.class_matrix import Operator
    from lrbound.backward.unit_moments import Unit
    from lrbound.meanfield.gaussian import Curve
    from lrbound.meanfield.gradient import Gradient
    from lrbound.meanfield.kernel import Kernel
    from lrbound.meanfield.positions import Array
    from lrbound.meanfield.statistics import Statistics

DRAWS, UNITS = 64, 256
"""Drawn units: for matrices over positions, and for numbers."""
MOST_POSITIONS = 100
"""Single positions up to which fields are drawn; beyond, masks count in pairs (see :mod:`lrbound.backward.dof`)."""
MOST_SAMPLES = 64
"""Samples of a batch that are drawn, at most: the mean over a larger batch is as good as known."""
MOST_MIXED = 64
"""Positions up to which what varies from sample to sample is counted; it falls off with their number."""
_THIN = 4
_NODES = 41


class Masks(NamedTuple):
    """What a stage multiplies gradients with: kurtoses of the slopes, and the function that has them.

    ``curve`` is None where there is none, or where the masks are in the gradient already.
    """

    law: Unit
    curve: Curve | None


class Tangents(NamedTuple):
    """Tangent kernels of a stage: below its normaliser, below its masks, and above them.

    ``statistics`` are those of the normaliser, if there is one.
    """

    raw: Kernel
    below: Kernel
    above: Kernel
    statistics: Statistics | None = None

    @property
    def alpha(self) -> float:
        """Share of the current batch in statistics of single channels over the batch; 0 for others."""
        one = self.statistics
        return one.alpha if one is not None and one.batch and one.channels == 1 else 0.0


class Mean(NamedTuple):
    """What a stage does to the mean over the batch.

    Attributes
    ----------
    freedom : float
        nu.
    mixing : float
        1/nu' - 1/nu, nu' the degrees of freedom of one sample's gradients times the mean ones: how far the former's C x C
        matrix varies from sample to sample (see :mod:`lrbound.curvature.coupling`).
    shared : float
        Relative variance of the squared mean over the batch that the weights above see.
    bulk : float
        Degrees of freedom of a direction spread over the batch (see :mod:`lrbound.backward.dof`).
    overlap : float
        Relative variance, from sample to sample, of a sample's product with the mean over the batch.
    """

    freedom: float
    mixing: float
    shared: float
    bulk: float
    overlap: float


def batch_mean(kernel: Kernel, tangents: Tangents, above: Gradient, masks: Masks, samples: float) -> Mean:
    """Return the degrees of freedom of a stage for the coherent direction.

    Parameters
    ----------
    kernel : Kernel
        Of the values that the masks see.
    tangents : Tangents
    above : Gradient
        Gradient above the masks; its first direction is the coherent one.
    masks : Masks
    samples : float
        n.
    """
    tangent = tangents.below if masks.curve is None else tangents.above
    same, cross = (Signal(above.delta.pair[0, kind], above.delta.site[0, kind]) for kind in (SAME, CROSS))
    whole = backward_kernel(kernel, *_added(same, cross))
    single = 1.0 / min(samples, INFINITE)
    together = forward_kernel(tangent, single, 1.0 - single)
    seen = whole @ together
    ratio, mixing, shared = masks.law.mean, 0.0, 0.0
    overlap = masks.law.overlap / kernel.channels if kernel.positions == 1 else 0.0
    if masks.curve is not None and bool((kernel.weights == 1.0).all()) and kernel.positions <= MOST_POSITIONS:
        shared = _shared(kernel, masks.curve, _dense(whole), tangents.statistics) / kernel.channels
        values = _values(kernel, samples)
        slopes = masks.curve.slope(values)
        if kernel.positions > 1:
            ratio = _kurtosis(slopes, tangents.below, _dense(whole), samples)
            overlap = _overlap(masks.curve.value(values), _dense(whole)) / kernel.channels
        if kernel.positions <= MOST_MIXED:
            gradients = _one_sample(kernel, above, samples), _dense(whole)
            mixing = _mixing(slopes[::_THIN], values[::_THIN], tangents, gradients, min(samples, INFINITE))
    elif kernel.positions > 1:
        kappa = mask_correlation(forward_kernel(kernel, 1.0 / samples, 1.0 - 1.0 / samples))
        plain, correlated = seen.traces_of_square(kappa)
        ratio = max(1.0 + (masks.law.mean - 1.0) * correlated / plain, 1.0) if plain > 0.0 else 1.0
    trace, plain = seen.trace(), seen.trace_of_square()
    square = ratio * plain
    if 1.0 < samples < INFINITE:
        apart = backward_kernel(kernel, *(s - c / (samples - 1.0) for s, c in zip(same, cross, strict=True)))
        rest = times_varying(apart, tangent).scaled(1.0 - 1.0 / samples)
        trace += rest.trace()
        square += ratio * rest.trace_of_square() / (samples - 1.0)
    bulk = _bulk(kernel, tangent, own_part(above, samples), masks.law.mean, samples)
    if not (square > 0.0 and trace > 0.0):
        return Mean(float("inf"), 0.0, shared, bulk, overlap)
    units = kernel.channels * trace**2
    return Mean(units / square, mixing * plain / units, shared, bulk, overlap)


def _overlap(values: Array, whole: Array) -> float:
    """Return the relative variance over the samples of h' G hb, from values h (units, samples, positions) and their mean hb."""
    product = np.einsum("uxb,ub->ux", values @ whole, values.mean(axis=1))
    mean = float(product.mean())
    some = product.shape[1] > 1 and mean > 0.0
    return float(product.var(axis=1, ddof=1).mean()) / mean**2 if some else 0.0


def _bulk(kernel: Kernel, tangent: Kernel, own: Signal, kurtosis: float, samples: float) -> float:
    kappa = mask_correlation(forward_kernel(kernel, 1.0 / samples, 1.0 - 1.0 / samples))
    product = times_varying(backward_kernel(kernel, *own), tangent)
    return kernel.channels * participation(product, kurtosis, kappa)


def coupled_channels(kernel: Kernel, statistics: Statistics, *, rectified: bool) -> float:
    """Return by how much E tr (G D)^2 grows under a normaliser of small sets, whose channels share a variance."""
    from lrbound.meanfield.statistics import mixture_of

    mixture = mixture_of(kernel, statistics)
    return 1.0 if mixture is None else mixture.kurtosis(rectified=rectified)


def _one_sample(kernel: Kernel, above: Gradient, samples: float) -> Array:
    """Return n times the same-sample part of the coherent direction.

    In a full batch it is that of the trace, unless batch statistics above have left nothing of the coherent direction.
    """
    pair, site = above.delta.pair, above.delta.site
    if samples < INFINITE:
        return samples * _dense(backward_kernel(kernel, pair[COHERENT, SAME], site[COHERENT, SAME]))
    left = abs(float(pair[COHERENT].sum())) > 1e-9 * float(site[TRACE, SAME].sum())
    return float(left) * _dense(backward_kernel(kernel, pair[TRACE, SAME], site[TRACE, SAME]))


def _added(one: Signal, other: Signal) -> Signal:
    return Signal(one.pair + other.pair, one.site + other.site)


def _kurtosis(slopes: Array, tangent: Kernel, whole: Array, samples: float) -> float:
    """Return R from slopes (units, samples, positions)."""
    apart, across = (_dense(forward_kernel(tangent, *shares)) for shares in ((1.0, -1.0), (0.0, 1.0)))
    mean = slopes.mean(axis=1)
    number = slopes.shape[1]
    drawn = mean[:, :, None] * across * mean[:, None, :]
    drawn += (slopes.swapaxes(1, 2) @ slopes) / number * (apart / samples)
    signal = whole @ drawn
    plain = _square(signal.mean(axis=0))
    return float(_square(signal).mean() / plain) if plain > 0.0 else 1.0


def _mixing(slopes: Array, values: Array, tangents: Tangents, gradients: tuple[Array, Array], samples: float) -> float:
    """Return E tr(G_x D_x G D_x') - E tr(G D G D), over tr(G E D)^2: D_x pairs one sample with the mean, D is its mean."""
    own, whole = gradients
    number, size = slopes.shape[1:]
    jacobian = slopes[..., None] * np.eye(size)
    if tangents.alpha > 0.0:
        # delta - alpha mean(delta) - alpha zhat mean(delta zhat) for delta = slopes w, w alike for all samples
        zhat = values - values.mean(axis=(1, 2), keepdims=True)
        zhat = zhat / np.sqrt((zhat**2).mean(axis=(1, 2), keepdims=True))
        mean, lean = slopes.mean(axis=1) / size, (slopes * zhat).mean(axis=1) / size
        jacobian = jacobian - tangents.alpha * (mean[:, None, None, :] + zhat[..., None] * lean[:, None, None, :])
    apart, across = (_dense(forward_kernel(tangents.raw, *shares)) for shares in ((1.0, -1.0), (0.0, 1.0)))
    one = jacobian.mean(axis=1).swapaxes(-1, -2)[:, None] @ (across @ jacobian)
    one = one + jacobian.swapaxes(-1, -2) @ (apart / samples @ jacobian)
    drawn = one.mean(axis=1)
    plain = _square(whole @ drawn.mean(axis=0))
    if not plain > 0.0:
        return 0.0
    single = np.einsum("uxab,uxba->", whole @ one, own @ one.swapaxes(-1, -2)) / len(one) / number
    return max(float(single - _square(whole @ drawn).mean()) / float(plain), 0.0)


def _shared(kernel: Kernel, curve: Curve, whole: Array, statistics: Statistics | None) -> float:
    """Return the relative variance over units of hb' G hb, hb the unit's mean over the batch at all positions.

    Statistics over several channels fix the sum of their squares, and of their means if they are centred: what hb' G hb
    owes to those is taken out.
    """
    common, own = (_dense(forward_kernel(kernel, *shares)) for shares in ((0.0, 1.0), (1.0, -1.0)))
    fields = _strata(len(common), UNITS) @ _root(common).T
    z, weights = trapezoid(4.5, _NODES)
    sd = np.sqrt(np.maximum(np.diagonal(own), 0.0))
    hb = curve.value(kernel.mean + fields[..., None] + sd[:, None] * z) @ weights
    y = np.einsum("ua,ab,ub->u", hb, whole, hb)
    known = [np.ones(UNITS)]
    if statistics is not None and statistics.channels > 1:
        known += [(fields**2).mean(axis=1)] + ([fields.mean(axis=1)] if statistics.centred else [])
    basis = np.linalg.qr(np.stack(known, axis=1))[0]
    rest = y - basis @ (basis.T @ y)
    mean = float(y.mean())
    return float((rest**2).mean()) / mean**2 if mean > 0.0 else 0.0


def _square(matrices: Array) -> Array:
    """Return tr M^2."""
    return np.asarray(np.einsum("...ab,...ba->...", matrices, matrices))


def _values(kernel: Kernel, samples: float) -> Array:
    """Return drawn units, shape (units, samples, positions); of a large batch only some samples."""
    common, own = (_dense(forward_kernel(kernel, *shares)) for shares in ((0.0, 1.0), (1.0, -1.0)))
    size, number = len(common), int(min(samples, MOST_SAMPLES))
    fields = kernel.mean + _strata(size, DRAWS) @ _root(common).T
    apart = draws(1, (DRAWS, number, size)) @ _root(own).T
    drawn: Array = fields[:, None, :] + apart
    return drawn


def _root(covariance: Array) -> Array:
    """Return a root whose last column belongs to the largest eigenvalue."""
    values, vectors = np.linalg.eigh(covariance)
    root: Array = vectors * np.sqrt(np.maximum(values, 0.0))
    return root


@cache
def _strata(size: int, units: int) -> Array:
    """Return standard normal draws, the last coordinate in strata of equal weight."""
    drawn = draws(0, (units, size))
    drawn[:, -1] = quantile((np.arange(units) + 0.5) / units)
    return drawn


def _dense(operator: Operator) -> Array:
    return operator.pair + np.diag(operator.site)
