"""Degrees of freedom of the mean over the batch: what the C x C Gram matrix of the coherent direction averages over.

Unit j of a stage sees the outputs' gradients w (C x positions, Gaussian with the backward kernel G above the masks) and
adds w D_j w' to the Gram matrix, D_j(a, b) its tangent kernel below the masks, averaged over pairs of samples. So

    nu = C (sum tr G E D)^2 / sum E tr (G D_j)^2.

Above the masks the coherent direction is alike for all samples at the outputs; further down it is exchangeable, with the
eigenspaces G_1 = G_S + (n-1) G_X (once) and G_S - G_X (n-1 times), whose traces add. E D = J0 o K, K the kernel of the
values standing for the tangent kernel, as in :mod:`lrbound.finite.freedom`. A pooled head has one signal a unit and counts
as C, however many positions it averages.

E tr (G D_j)^2 exceeds tr (G E D)^2 because units have means m ~ N(0, X) over the batch that switch them on or off:
D_j = p p' o K, p(a) the unit's mean slope. The factor R is a mean over drawn fields m, the part along the largest
eigenvector of X in strata (theory of the normalisers, section 5: plain draws leave nu a factor of 2 off); for flat features it
is E p^4/(E p^2)^2. Small sets of channels have more: within a set the normaliser couples the units, D = Q'KQ with
Q = (p - p/S - m h'/S)/s, and S E tr Q^2/(E tr Q)^2 exceeds the kurtosis of p (section 4 there).

Status: derived, but for K. Real degrees of freedom of pooled and flatten heads with group, batch-group, cross-iteration
and instance-enhancement norm (C (tr D)^2/tr D^2 of sampled networks) are 15 to 60, and within 15 % of this.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lrbound.finite.freedom import Signal, mask_excess
from lrbound.finite.localised import normal_quantile
from lrbound.finite.operator import backward_kernel, forward_kernel
from lrbound.meanfield.kernel import CROSS, SAME

if TYPE_CHECKING:
    from lrbound.finite.operator import Operator
    from lrbound.finite.unit import Unit
    from lrbound.finite.wishart import Array
    from lrbound.meanfield.gradient import Gradient
    from lrbound.meanfield.gaussian import Curve
    from lrbound.meanfield.kernel import Kernel

DRAWS = 64
MOST_POSITIONS = 100
"""Single positions up to which fields are drawn; beyond, masks count in pairs (see :mod:`lrbound.finite.freedom`)."""
MOST_SAMPLES = 64
"""Batches up to which single samples are drawn, too."""
_NODES = 121


class Masks(NamedTuple):
    """What a stage multiplies gradients with: kurtoses of the slopes, and the function that has them.

    ``curve`` is None where there is none, or where the masks are in the gradient already.
    """

    law: Unit
    curve: Curve | None


def batch_mean(
    kernel: Kernel, tangents: tuple[Kernel, Kernel], above: Gradient, masks: Masks, samples: float
) -> float:
    """Return the degrees of freedom of a stage for the coherent direction.

    Parameters
    ----------
    kernel : Kernel
        Of the values that the masks see.
    tangents : (Kernel, Kernel)
        Tangent kernels below the masks and above them.
    above : Gradient
        Gradient above the masks; its first direction is the coherent one.
    masks : Masks
    samples : float
        n.
    """
    tangent = tangents[0] if masks.curve is None else tangents[1]
    same, cross = (Signal(above.delta.pair[0, kind], above.delta.site[0, kind]) for kind in (SAME, CROSS))
    whole = backward_kernel(kernel, *(s + c for s, c in zip(same, cross, strict=True)))
    together = forward_kernel(tangent, 1.0 / samples, 1.0 - 1.0 / samples)
    seen = whole @ together
    ratio = masks.law.mean
    if kernel.positions > 1:
        ratio = _kurtosis(kernel, tangents[0], whole, together, masks, samples)
    trace, square = seen.trace(), ratio * seen.trace_of_square()
    if samples > 1.0:
        apart = backward_kernel(kernel, *(s - c / (samples - 1.0) for s, c in zip(same, cross, strict=True)))
        rest = (apart @ forward_kernel(tangent, 1.0, -1.0)).scaled(1.0 - 1.0 / samples)
        trace += rest.trace()
        square += ratio * rest.trace_of_square() / (samples - 1.0)
    return kernel.channels * trace**2 / square if square > 0.0 else float("inf")


def _kurtosis(
    kernel: Kernel, tangent: Kernel, whole: Operator, together: Operator, masks: Masks, samples: float
) -> float:
    """Return R, from the gradient above the masks and the tangent kernels below and above them."""
    singles = bool((kernel.weights == 1.0).all()) and kernel.positions <= MOST_POSITIONS
    if masks.curve is None or not singles:
        excess = mask_excess(masks.law.mean, forward_kernel(kernel, 1.0 / samples, 1.0 - 1.0 / samples))
        seen = whole @ together
        plain = seen.trace_of_square()
        return max(seen.trace_of_square(excess) / plain, 1.0) if plain > 0.0 else 1.0
    slopes = _slopes(kernel, masks.curve, samples)
    apart, across = (_dense(forward_kernel(tangent, *shares)) for shares in ((1.0, -1.0), (0.0, 1.0)))
    mean = slopes.mean(axis=1)
    drawn = mean[:, :, None] * across * mean[:, None, :]
    if slopes.shape[1] > 1:
        drawn += slopes.swapaxes(1, 2) @ slopes / slopes.shape[1] * (apart / samples)
    # what single samples add is in a large batch an average, alike for all units
    signal = _dense(whole) @ (drawn + (_dense(together) - drawn.mean(axis=0)))
    middle = signal.mean(axis=0)
    plain = float(np.einsum("ab,ba->", middle, middle))
    return float(np.einsum("uab,uba->", signal, signal)) / len(signal) / plain if plain > 0.0 else 1.0


def _slopes(kernel: Kernel, curve: Curve, samples: float) -> Array:
    """Return slopes of drawn units, shape (units, samples, positions); of a large batch the mean, as one sample."""
    common, own = (_dense(forward_kernel(kernel, *shares)) for shares in ((0.0, 1.0), (1.0, -1.0)))
    size = len(common)
    fields = kernel.mean + _strata(size) @ _root(common).T
    if samples <= MOST_SAMPLES:
        apart = np.random.default_rng(1).standard_normal((DRAWS, int(samples), size)) @ _root(own).T
        return curve.slope(fields[:, None, :] + apart)
    z = np.linspace(-5.0, 5.0, _NODES)
    weights = np.exp(-0.5 * z * z)
    sd = np.sqrt(np.maximum(np.diagonal(own), 0.0))
    slopes: Array = curve.slope(fields[..., None] + sd[:, None] * z) @ (weights / weights.sum())
    return slopes[:, None, :]


def _root(covariance: Array) -> Array:
    """Return a root whose last column belongs to the largest eigenvalue."""
    values, vectors = np.linalg.eigh(covariance)
    root: Array = vectors * np.sqrt(np.maximum(values, 0.0))
    return root


@cache
def _strata(size: int) -> Array:
    """Return standard normal draws, the last coordinate in strata of equal weight."""
    draws: Array = np.random.default_rng(0).standard_normal((DRAWS, size))
    draws[:, -1] = [normal_quantile(1.0 - (i + 0.5) / DRAWS) for i in range(DRAWS)]
    return draws


def _dense(operator: Operator) -> Array:
    return operator.pair + np.diag(operator.site)
