"""Units that see few inputs: filters of a group of channels, one channel in a depthwise convolution.

u_a = sum_k w_k h_{a+k} runs over f = (channels/groups) times the filter's area inputs. At any width it differs from channel to channel what
u is like, because f stays small, and an activation is bent: its means over the channels are not those at the mean kernel.
Let a normaliser divide each channel by its own standard deviation, so that only |w| = 1 matters, and let the inputs be
independent between positions around the part common to all samples (for white input they are), with skewness k3 and excess kurtosis
k4. Then, over the draw of w,

    r(a, b)^2        squared correlation of two positions of one sample, n_ab shared inputs:  n_ab / (f (f + 2))
    cum(a, a, b, b)  their common fourth cumulant:                                            k4 n_ab / (f (f + 2))
    kurtosis of u    3 k4/(f + 2)
    skewness^2       15 k3^2/((f + 2) (f + 4))

so that E phi(u_a) phi(u_b) rises by a_2^2 (r^2 + cum/2), a_2 the second Hermite coefficient, and all means move by the
Gram-Charlier terms E f -> E f + kurtosis/24 E f He_4 + skewness^2/72 E f He_6. Neighbours of one sample are correlated then
and those of two samples are not: under a pooled head, samples differ in the mean of a channel over its positions by so much
more (1.4 times in a net of one 3x3 depthwise layer, 2 times in a stack of them, at any width). r^2 is taken as its mean over
all pairs of different positions, so that kernels keep a pair and a diagonal part, and classes stay few.

At a border or on a small map fewer taps count: f is the participation number of the taps over the positions.

Status: derived to first order in 1/f. Of drawn fields below relu and silu E phi^2 is within 2 %, the variance of means over
positions within 7 % (at the mean kernel 20 to 30 % low); on 2x2 maps 5 and 8 %. Left out: maps with overlapping pools below, where
neighbours are resolved (``Kernel.near``); normalisers other than those per channel over the batch; and that the
gamma and beta below depthwise filters are absorbed by the normaliser above them, which makes their own parts, some thousandths
of lambda_max, 5 to 10 times too large. The own part of depthwise filters lacks E s^-2 E s^2 (1 - 1/f) = (f - 1)/(f - 2), 8/7
for 3x3; that, too, is a per cent or two of lambda_max.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lrbound.meanfield.kernel import NORMAL, Cumulants
from lrbound.meanfield.normal import trapezoid

if TYPE_CHECKING:
    from lrbound.meanfield.gaussian import Curve
    from lrbound.meanfield.kernel import Kernel
    from lrbound.meanfield.positions import Array, AxisWindow, Window


class FewInputs(NamedTuple):
    """What units of few inputs have beside the mean kernel.

    Attributes
    ----------
    tied : float
        E r^2 + cum/2 of two different positions of one sample, averaged over all pairs of them.
    skewness2, kurtosis : float
        Mean squared skewness and mean excess kurtosis of a unit.
    norm : float
        V^2/E w_k^2 w_k'^2 over the channels of a group: f (f + 2) in a depthwise layer without a border.
    """

    tied: float
    skewness2: float
    kurtosis: float
    norm: float


class Moved(NamedTuple):
    """By how much means over pairs of units move.

    Attributes
    ----------
    value, slope : float
        E phi E phi and E phi' E phi'.
    own_value, own_slope : float
        E phi^2 and E phi'^2.
    bent_value, bent_slope : float
        Squared second Hermite coefficients of phi and of phi': what a unit of ``tied`` adds.
    """

    value: float
    slope: float
    own_value: float
    own_slope: float
    bent_value: float
    bent_slope: float


def few_inputs(below: Kernel, window: Window, groups: int) -> FewInputs:
    """Return what a window's filters of a group of channels make of ``below``."""
    each = below.channels // groups
    sides = below.rows.size, below.cols.size
    rows, cols = _shared(sides[0], window.rows), _shared(sides[1], window.cols)
    positions = float(math.prod(window.output_sizes(sides)))
    own = rows.own * cols.own
    shared = (rows.total * cols.total - own) / max(positions * (positions - 1.0), 1.0)
    law, freedom, taps = below.cumulants, each * rows.freedom * cols.freedom, each * own / positions
    norm = taps**2 * (1.0 + 2.0 / freedom) / each
    return FewInputs(
        (1.0 + 0.5 * law.kurtosis) * shared / norm,
        15.0 * law.skewness**2 / (each * norm * (1.0 + 4.0 / freedom)),
        3.0 * law.kurtosis * taps / (each * norm),
        norm,
    )


class _Shared(NamedTuple):
    """Inputs that the windows of two places along an axis share, over all pairs of places; of each with itself; and f."""

    total: float
    own: float
    freedom: float


@lru_cache(maxsize=256)
def _shared(size: int, window: AxisWindow) -> _Shared:
    taps = window.taps(size)
    under = (taps[:, :, None] == np.arange(size)).any(axis=1)
    inside = (taps >= 0).sum(axis=0)
    return _Shared(
        float((under.sum(axis=0) ** 2).sum()), float(under.sum()), float(inside.sum() ** 2 / (inside**2).sum())
    )


def tied(kernel: Kernel) -> float:
    """Return ``FewInputs.tied`` for the part of the values in which samples differ."""
    assert kernel.few is not None
    q, q_xy = kernel.averages()
    varies = (q - q_xy) / max(q - kernel.mean**2, 1e-300)
    return kernel.few.tied * min(max(varies, 0.0), 1.0) ** 2


@lru_cache(maxsize=256)
def cumulants(curve: Curve, mean: float, sd: float) -> Cumulants:
    """Return skewness and excess kurtosis of phi(mean + sd z)."""
    z, weights = trapezoid(9.0, 301)
    value = curve.value(mean + sd * z)
    value = value - value @ weights
    variance = float(value**2 @ weights)
    if not variance > 0.0:
        return NORMAL
    return Cumulants(float(value**3 @ weights) / variance**1.5, float(value**4 @ weights) / variance**2 - 3.0)


@lru_cache(maxsize=256)
def moved(curve: Curve, mean: float, sd: float, skewness2: float, kurtosis: float) -> Moved:
    """Return by how much means over pairs of units move."""
    z, weights = trapezoid(9.0, 901)
    u = mean + sd * z
    value, slope = curve.value(u), curve.slope(u)
    square = z * z
    he = np.stack([np.ones_like(z), square - 1.0, z * (square - 3.0), (square - 6.0) * square + 3.0])
    he6 = ((square - 15.0) * square + 45.0) * square - 15.0
    first, second, third, fourth = he * weights
    shift = kurtosis / 24.0 * fourth + skewness2 / 72.0 * he6 * weights

    def product(f: Array) -> float:
        return float(2.0 * (f @ first) * (f @ shift) + skewness2 / 36.0 * (f @ third) ** 2)

    return Moved(
        product(value),
        product(slope),
        float(value**2 @ shift),
        float(slope**2 @ shift),
        0.5 * float(value @ second) ** 2,
        0.5 * float(slope @ second) ** 2,
    )
