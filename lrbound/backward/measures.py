"""Numbers of single layers that the layerwise statistics are made of: shares, signals, widths and slopes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lrbound.backward.dof import Signal
from lrbound.backward.unit_moments import Unit, unit
from lrbound.forward.roles import homogeneous, weighted
from lrbound.meanfield.gradient import Gradient, Share, Sums
from lrbound.meanfield.kernel import CROSS, SAME, Kernel

if TYPE_CHECKING:
    from lrbound.forward.sweep import Step
    from lrbound.meanfield.contract import Context
    from lrbound.meanfield.gaussian import Curve
    from lrbound.meanfield.positions import Array

COHERENT, TRACE = 0, 1
CELLS, LAST_CELL = 64, 0.9
"""Cells of x/q over which moments are straight lines, to what the quadrature leaves at a jump, and where they are not."""


def split(share: Share | None, samples: float) -> Array:
    """Return (a, n b) of a layer."""
    if share is None:
        return np.zeros(2)
    coherent, trace = float(share.coherent), float(share.trace)
    rest = 1.0 - 1.0 / samples
    return np.array([coherent, max(trace - coherent, 0.0) / rest if rest > 0.0 else 0.0])


def own_part(gradient: Gradient, samples: float) -> Signal:
    """Return the same-sample part of n times the mean direction orthogonal to the coherent one."""
    delta, rest = gradient.delta, 1.0 - 1.0 / samples
    if rest == 0.0:
        return Signal(delta.pair[TRACE, SAME], delta.site[TRACE, SAME])
    return Signal(
        (delta.pair[TRACE, SAME] - delta.pair[COHERENT, SAME]) / rest,
        (delta.site[TRACE, SAME] - delta.site[COHERENT, SAME]) / rest,
    )


def in_common(gradient: Gradient, samples: float) -> Signal:
    """Return what the own parts of two samples have in common: of masks only what both keep.

    The mean direction orthogonal to the coherent one is opposite in the other samples, and so is this.
    """
    delta, rest = gradient.delta, 1.0 - 1.0 / samples
    if rest == 0.0:
        return own_part(gradient, samples)
    pair, site = ((part[COHERENT, CROSS] - part[TRACE, CROSS]) / rest for part in (delta.pair, delta.site))
    return Signal(pair, site) if float(site.sum()) > 0.0 else own_part(gradient, samples)


def probe(own: Signal, like: Gradient, samples: float) -> Gradient:
    """Return two gradients of one same-sample part: opposite between samples, which leaves S - X, and equal."""
    near = like.delta.near
    if near is not None:
        rest = 1.0 - 1.0 / samples
        trace, coherent = near.values[TRACE, SAME], near.values[COHERENT, SAME]
        near = near.of(_both_ways((trace - coherent) / rest if rest > 0.0 else trace))
    return Gradient(Sums(_both_ways(own.pair), _both_ways(own.site), near), masked=like.masked)


_SIGNS = np.array([[1.0, -1.0], [1.0, 1.0]])


def _both_ways(part: Array) -> Array:
    return _SIGNS[(..., *(None,) * part.ndim)] * part


def law_of(activation: Curve, kernel: Kernel, samples: float) -> Unit:
    """Return the moments of a unit on the kernel below its activation."""
    q, x = kernel.averages()
    square = kernel.mean**2
    if square == 0.0 and homogeneous(activation):
        return _by_ratio(activation, min(max(x / q, 0.0), 1.0) if q > 0.0 else 0.0, samples)
    return unit(activation, kernel.mean, q - square, x - square, samples)


def _by_ratio(activation: Curve, ratio: float, samples: float) -> Unit:
    """Return the moments where x/q is all that matters: the layers of a deep net share those on a grid."""
    if ratio > LAST_CELL:
        return unit(activation, 0.0, 1.0, round(ratio, 4), samples)
    cell = int(ratio * CELLS)
    part = ratio * CELLS - cell
    ends = (unit(activation, 0.0, 1.0, at / CELLS, samples) for at in (cell, cell + 1))
    return Unit(*(one + part * (other - one) for one, other in zip(*ends, strict=True)))


def from_below(step: Step, ctx: Context) -> float:
    """Return the part of the mean over the batch that comes from the units below, not from biases."""
    layer = step.node.layer
    assert weighted(layer)
    _, x = step.above.averages()
    if not layer.bias or not x > 0.0:
        return 1.0
    return max(1.0 - (layer.init or ctx.init).bias_square(inputs_of(step)) / x, 0.0)


def isometry(step: Step, ctx: Context) -> float:
    """Return what orthogonal weights take off the spread 1/nu of gradients that pass them: 1/max(inputs, outputs).

    Of n outputs that pass to m <= n inputs a random projection keeps 1/m - 1/n of the 1/m of Gaussian weights, and to m >= n
    inputs nothing is lost. Dense layers alone: at one position a filter's orthogonal matrix is a part of itself.
    """
    layer = step.node.layer
    assert weighted(layer)
    if (layer.init or ctx.init).distribution != "orthogonal" or step.below.positions > 1:
        return 0.0
    return 1.0 / max(inputs_of(step), step.above.channels)


def kept_norms(step: Step, ctx: Context) -> float:
    """Return the share of a Gaussian vector's variance of norms that units above orthogonal weights do not have.

    They turn a vector of n inputs, and keep its norm where they have as many outputs; m < n outputs project it, which leaves 1 - m/n.
    """
    layer = step.node.layer
    if not weighted(layer) or (layer.init or ctx.init).distribution != "orthogonal" or step.above.positions > 1:
        return 0.0
    return min(1.0, step.above.channels / inputs_of(step))


def inputs_of(step: Step) -> int:
    """Return the fan-in of a weight layer."""
    layer = step.node.layer
    assert weighted(layer)
    return step.node.layer.parameters((step.below.channels,)) // step.above.channels - layer.bias


def between(own: Signal, kernel: Kernel) -> float:
    """Return the sum of a same-sample gradient times S - X."""
    kernel = kernel.even
    site = float((own.site * (kernel.site[SAME] - kernel.site[CROSS])).sum())
    if len(kernel.pair) == 1:  # both kinds share it
        return site
    return site + float((own.pair * (kernel.pair[SAME] - kernel.pair[CROSS])).sum())


def varying(kernel: Kernel) -> float:
    """Return S - X of a unit, averaged over positions."""
    q, x = kernel.averages()
    return q - x


def overlap(kernel: Kernel, samples: float) -> float:
    """Return the relative variance of a Gaussian unit times its mean over the batch, from sample to sample."""
    q, x = kernel.averages()
    whole = x + (q - x) / samples
    return (q - x) * max(x, 0.0) / whole**2 if whole > 0.0 else 0.0


def of_inputs(step: Step, above: Gradient, beside: float, coherent: float) -> float:
    """Return the part of a weight layer's coherent value that is that of its inputs, not of biases or ``beside`` it."""
    layer = step.node.layer
    assert weighted(layer)
    if not coherent > 0.0:
        return 0.0
    biases = float(above.delta.total()[COHERENT]) if layer.bias else 0.0
    return min(max(1.0 - (beside + biases) / coherent, 0.0), 1.0)


def quotient(numerator: float, denominator: float) -> float:
    """Return the quotient, or 1 where there is none."""
    return numerator / denominator if denominator > 0.0 else 1.0


def squares(kernel: Kernel, samples: float) -> float:
    """Return how many independent squares a batch variance averages."""
    if kernel.positions == 1:
        return samples - 1.0
    from lrbound.backward.class_matrix import forward_kernel

    same, cross = forward_kernel(kernel, 1.0, 0.0), forward_kernel(kernel, 0.0, 1.0)
    square = same.trace_of_square() / samples
    if samples > 1.0:
        # n (n-1) X^2 over n^2; between the samples of a full batch nothing is left after centring
        square += (1.0 - 1.0 / samples) * cross.trace_of_square()
    return same.trace() ** 2 / square if square > 0.0 else np.inf


def kurtosis(number: float) -> float:
    """Return E s^-4 / (E s^-2)^2 for a variance s^2 that averages so many squares; at most 3, where it diverges."""
    return min(1.0 + 2.0 / (number - 4.0), 3.0) if number > 4.0 else 3.0


def width(kernel: Kernel, own: Signal) -> float:
    """Return the effective number of units at a weight layer's input."""
    if kernel.positions == 1:
        return float(kernel.channels)
    from lrbound.backward.class_matrix import backward_kernel, times_varying

    return kernel.channels * times_varying(backward_kernel(kernel, *own), kernel).participation()
