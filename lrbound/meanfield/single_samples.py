"""Layers on kernels between single samples: the rows of the map are samples, its columns positions, all of one class.

Independent pixels and filters leave a kernel between positions two values a pair of samples, one for different positions
and, in one sample, one for a position with itself. Zero padding is left out: borders are alike in all samples.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lrbound.meanfield.gradient import Gradient, Sums
from lrbound.meanfield.kernel import SAME, Kernel, outer
from lrbound.meanfield.positions import uniform

if TYPE_CHECKING:
    from lrbound.layers.base import Pullback
    from lrbound.meanfield.statistics import Statistics


def pooled(kernel: Kernel, fewer: int, *, averaged: float) -> tuple[Kernel, Pullback]:
    """Return the kernel on ``fewer`` times fewer positions, each the mean of ``averaged`` ones, and the way back."""
    positions = max(1, round(kernel.cols.size / fewer))
    out = Kernel(
        kernel.channels,
        kernel.rows,
        uniform(positions),
        kernel.pair,
        kernel.site / averaged,
        kernel.mean,
        kernel.gaussian,
        middle=kernel.middle,
    )

    def pull(gradient: Gradient) -> tuple[Gradient, None]:
        return Gradient(Sums(gradient.delta.pair, gradient.delta.site / averaged)), None

    return out, pull


def normalised(
    kernel: Kernel, statistics: Statistics, *, gamma: float, beta: float, eps: float
) -> tuple[Kernel, Pullback]:
    """Return the kernel of gamma zhat + beta for statistics of each sample, and the way back.

    The mean over S channels and all positions takes 1/S of what positions have in common; what the mean and the variance
    absorb of a gradient beside is two of S P directions and left out.
    """
    kept = 1.0 - 1.0 / statistics.channels if statistics.centred else 1.0
    shift = kernel.mean**2
    pair, site = kept * (kernel.pair - shift), kernel.site
    rows = np.arange(pair.shape[-3])
    variance = pair[SAME, rows, rows, 0, 0] + site[SAME, :, 0]
    inverse = (gamma / np.sqrt(variance + eps))[:, None]
    scale, own = outer(inverse)[None], inverse[None] ** 2
    out = kernel.becomes(pair * scale + beta**2, site * own, mean=beta, gaussian=kernel.gaussian)

    def pull(gradient: Gradient) -> tuple[Gradient, None]:
        delta = gradient.delta
        pairs, sites = delta.pair * (kept * scale[:, None]), delta.site * own[:, None]
        return Gradient(Sums(pairs, sites)), None

    return out, pull
