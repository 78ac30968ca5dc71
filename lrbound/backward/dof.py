"""Degrees of freedom of one stage: how many independent numbers its Wishart step averages over.

A stage of C channels and P positions, with backward kernel G above its masks and forward kernel K of its values, counts as

    nu = C (tr T)^2 / E tr T^2,    T(a, b) = sum_c G(a, c) m_c K(c, b) m_b:

Gaussian signals with covariances G and K give C (tr T)^2 / tr T^2, and the masks m of one sample are equal at all four ends
of T T. Below a pool over all positions G is the same everywhere, so that a unit is one number w m'Km, and nu is close to C
however many positions there are. One position gives C/kurtosis exactly. For one sample G and K are the same-sample kernels.
For the bulk, whose directions average the masks over samples, T is the complement's gradient above the masks times the
tangent kernel S - X above them, with R = 1 + (kurtosis - 1) kappa(a, c) on T(a, c) T(c, a) for what a unit's mean over the batch
adds, kappa = (2/pi) asin c the correlation of ReLU masks. For the mean over the batch see
:mod:`lrbound.backward.coherent_dof`; where that does not reach they are the coherent gradient and S/n + (1 - 1/n) X. Where batch statistics absorb the mean, the signal passes also in
the n - 1 directions orthogonal to it, and averages over them: n P x n P matrices, exchangeable in the samples, with the
eigenspaces S + (n-1) X and S - X, whose traces add. For flat features nothing else is left.

Status: derived, but for K, which stands for the tangent kernel below the cut in one sample
(lrbound/theory/finite-conv.md, section 4), and for the mean over four masks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from lrbound.backward.class_matrix import Operator
    from lrbound.backward.unit_moments import Unit
    from lrbound.meanfield.kernel import Kernel
    from lrbound.meanfield.positions import Array


class Signal(NamedTuple):
    """A backward kernel at one place as sums over classes: pair (r, r, c, c) and site (r, c)."""

    pair: Array
    site: Array


class DegreesOfFreedom(NamedTuple):
    """Of one sample, the batch mean, a bulk direction; and what gains, norms and squared batch means average over."""

    one_sample: float
    batch_mean: float
    bulk: float
    masks: float
    norms: float
    shared: float


def freedom(
    kernel: Kernel,
    own: Signal,
    same: Signal,
    cross: Signal,
    law: Unit,
    samples: float,
    *,
    absorbed: bool,
    whole: Kernel | None = None,
) -> DegreesOfFreedom:
    """Return the degrees of freedom of a stage.

    Parameters
    ----------
    kernel : Kernel
        Of the values that the masks see.
    own : Signal
        Gradient below the masks: same-sample part of n times the complement.
    same, cross : Signal
        Gradient below the masks of the coherent direction, sums over samples and over pairs of samples.
    law : Unit
        Kurtoses of the slopes.
    samples : float
        n.
    absorbed : bool
        Whether batch statistics in this stage absorb the mean over the batch.
    whole : Kernel or None
        Of the same values for the mean over the batch, where the units' own means count for that.
    """
    channels = float(kernel.channels)
    if kernel.positions == 1:
        others = max(samples - 1.0, 1.0) if absorbed else 1.0
        bulk = channels / law.mean
        return DegreesOfFreedom(channels / law.one, bulk * others, bulk, channels, channels, channels)
    from lrbound.backward.class_matrix import backward_kernel, forward_kernel, number, times_varying

    here = forward_kernel(kernel, 1.0, 0.0)
    batch = forward_kernel(kernel if whole is None else whole, 1.0 / samples, 1.0 - 1.0 / samples)
    back = backward_kernel(kernel, *own)
    one, spread = back @ here, times_varying(back, kernel)
    kappa, shared = mask_correlation(here), mask_correlation(batch)
    total = Signal(*(s + c for s, c in zip(same, cross, strict=True)))
    seen = backward_kernel(kernel, *total) @ batch
    mean_squares = seen.traces_of_square(shared)
    square, trace = _with_masks(law.mean, mean_squares), seen.trace()
    if absorbed and samples > 1.0:
        apart = Signal(*(s - c / (samples - 1.0) for s, c in zip(same, cross, strict=True)))
        rest = times_varying(backward_kernel(kernel, *apart), kernel).scaled(1.0 - 1.0 / samples)
        square += _with_masks(law.mean, rest.traces_of_square(shared)) / (samples - 1.0)
        trace += rest.trace()
        mean = trace**2 / square if square > 0.0 else float("inf")
    else:
        mean = number(trace, square)
    return DegreesOfFreedom(
        channels * number(one.trace(), _masked_square(back, here, law.one, kappa)),
        channels * mean,
        channels * participation(spread, law.mean, shared),
        channels * _weighted_number(one, kappa),
        channels * spread.participation(),
        channels * number(seen.trace(), mean_squares[0]),
    )


def mask_correlation(values: Operator) -> Operator:
    """Return kappa, the correlation of ReLU masks on values with this kernel."""
    scale = np.sqrt(np.maximum(values.diagonal, 1e-300))
    between = values.pair / (scale[:, None] * scale)
    pair = np.arcsin(np.minimum(np.maximum(between, 0.0, out=between), 1.0, out=between), out=between)
    pair *= 2.0 / np.pi
    return type(values)(pair, 1.0 - pair.diagonal(), values.counts)


def _with_masks(kurtosis: float, squares: tuple[float, float]) -> float:
    """Return the sum of T(a, c) T(c, a) R(a, c) from that without R and that with kappa: R = 1 + (kurtosis - 1) kappa."""
    plain, correlated = squares
    return plain + (kurtosis - 1.0) * correlated


def participation(product: Operator, kurtosis: float, kappa: Operator) -> float:
    """Return (tr T)^2 / tr T^2 with R on T(a, c) T(c, a)."""
    from lrbound.backward.class_matrix import number

    return number(product.trace(), _with_masks(kurtosis, product.traces_of_square(kappa)))


def _masked_square(back: Operator, here: Operator, kurtosis: float, kappa: Operator) -> float:
    """Return the mean of tr T^2 with equal masks at equal positions.

    T T has masks at four places, (a, b) of G, (b, c) of K, (c, d) of G and (d, a) of K. With r = 1 + (kurtosis - 1) kappa of
    a pair their mean is taken as r_ab r_bc r_cd r_da / sqrt(r_ac r_bd), which is exact where places coincide in pairs along
    G or along K, or all four do; r_bd is taken as r_ac.
    """
    excess = 1.0 + (kurtosis - 1.0) * kappa.pair
    on_diagonal = 1.0 + (kurtosis - 1.0) * kappa.diagonal
    boosted = back @ _with_diagonal(here.pair * excess, here.diagonal * on_diagonal, here)
    return boosted.traces_of_square(_with_diagonal(1.0 / excess, 1.0 / on_diagonal, here))[1]


def _with_diagonal(pair: Array, diagonal: Array, like: Operator) -> Operator:
    return type(like)(pair, diagonal - pair.diagonal(), like.counts)


def _weighted_number(product: Operator, kappa: Operator) -> float:
    """Return (sum w)^2 / sum w w' kappa for the weights w(a) = T(a, a): how many independent masks there are."""
    weight = product.diagonal * product.counts
    square = float(weight @ kappa.pair @ weight + (kappa.site * product.diagonal) @ weight)
    return float(weight.sum()) ** 2 / square if square > 0.0 else 1.0
