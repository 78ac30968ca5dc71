"""Means of the activations in the bulk: gradients of different samples that meet the same inputs.

An element of the Gram matrix of one output is sum over (a, b) of H_ij(a, b) B_ij(a, b), the inner products of two samples' inputs
and of their gradients. The bulk's first part has H's fluctuations around the mean X times what the gradients have in common. On
maps that are padded with zeros, and without batch statistics, X is not the same at all positions, and is not taken away by
statistics above. Then (B_S + B_X) X, with B of the complement, is a part ``share`` of b_l that is left of X where masks
make the gradients of samples differ. It is a Gram matrix of gradients, of

    N' = C' (tr T)^2 / tr T^2,    T = (B_S + B_X) X,

dimensions, C' the channels at the weights' output: a Marchenko-Pastur law of weight p_l = share_l b_l and ratio n/N'. What
the gradients have in common, ``kept`` of them, multiplies X too; as a constant it belongs to the coherent direction, but
masks of alike samples overlap more,

    d ln B_ij / d c_ij = D E phi'' phi''' / E phi' phi''            (primes after phi: the two samples; 2/pi for ReLU)

for a fluctuation c of H over its varying part D, so that it adds gain_m sum_{l<=m} p_l kept_l/(1 - kept_l) to what a
fluctuation at stage m weighs. The laws are independent, and the R-transforms add: with g = (1 + v/n)/z along the curve z(v) of
the first part,

    de = min over v of z(v) + sum_l p_l/(1 - n p_l g/N'_l).

Status: derived.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lrbound.backward.class_matrix import backward_kernel, forward_kernel
from lrbound.backward.measures import COHERENT, TRACE

if TYPE_CHECKING:
    from lrbound.meanfield.gradient import Gradient
    from lrbound.meanfield.kernel import Kernel
    from lrbound.meanfield.positions import Array

_FIRST, _MORE, _TIMES = 256, 33, 4
"""Values of v, on all of its range and then about the least z, so often that knobs are swept without jumps."""
_FAR = 500.0
"""Logarithm from which on z has long left its least value, and is kept from overflow."""


class Pattern(NamedTuple):
    """Numbers by weight layer, shape (L,), and ``gain`` by stage, shape (L-1,).

    Attributes
    ----------
    share : ndarray
        Part of b_l.
    kept : ndarray
        Correlation of two samples' gradients above a weight layer, for one direction at the outputs.
    width : ndarray
        N'.
    gain : ndarray
        How the masks' overlap reacts to that of the values that they see.
    """

    share: Array
    kept: Array
    width: Array
    gain: Array

    def common(self) -> Array:
        """Return the part of b_l that the means would have, were the gradients' common part not coherent."""
        apart = 1.0 - self.kept
        found: Array = np.divide(self.share * self.kept, apart, out=np.zeros_like(apart), where=apart > 1e-9)
        return found


def width(gradient: Gradient, kernel: Kernel) -> float:
    """Return N' at the output of a weight layer, whose values have this kernel."""
    if kernel.positions == 1:
        return float(kernel.channels)
    pair, site = (
        part[TRACE].sum(axis=0) - part[COHERENT].sum(axis=0) for part in (gradient.delta.pair, gradient.delta.site)
    )
    product = backward_kernel(kernel, pair, site) @ forward_kernel(kernel, 0.0, 1.0)
    return kernel.channels * max(product.participation(), 1.0)


def edge(total: float, ratios: Array, parts: Array, widths: Array, samples: float) -> float:
    """Return the edge of the first part's law, of weight ``total`` and ratios n ``ratios``, and of parts beside it.

    All weights are n times their own, so that a full batch is an ordinary number.
    """
    poles = widths / np.maximum(parts, 1e-300)
    first = 1.0 / (2.0 * float(ratios.sum()) + np.sqrt(float(ratios.sum()) / samples) + 1e-300)
    low, high = min(first, total * float(poles.min())), max(first, 1.0 / float(ratios.max(initial=1e-300)))
    low, high = np.log(low) - 7.0, np.log(high) + 7.0
    least = np.inf
    for number in (_FIRST, *(_MORE,) * _TIMES):
        v = np.linspace(low, high, number)
        z = _curve(np.exp(v), total, ratios, parts, poles, samples)
        at = int(np.clip(z.argmin(), 1, number - 2))
        least, low, high = float(z[at]), v[at - 1], v[at + 1]
    return least


def _curve(v: Array, total: float, ratios: Array, parts: Array, poles: Array, samples: float) -> Array:
    z = total * (1.0 / samples + 1.0 / v) * np.exp(np.minimum(np.log1p(ratios[:, None] * v).sum(axis=0), _FAR))
    left = 1.0 - (1.0 + v / samples) / z / poles[:, None]
    beside = np.divide(parts[:, None] / samples, left, out=np.full_like(left, np.inf), where=left > 0.0)
    return np.asarray(z + beside.sum(axis=0))
