"""What the backward pass reads at forks and on large maps: shares of branches, and kernels by groups of positions."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from lrbound.backward.graph import Shares
from lrbound.backward.measures import (
    split,
)
from lrbound.meanfield import law as laws
from lrbound.meanfield.gradient import Gradient, Sums
from lrbound.meanfield.kernel import Kernel
from lrbound.meanfield.merge import average, both

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrbound.meanfield.positions import Array, Axis


def energies(ends: Sequence[Kernel]) -> Shares:
    """Return how the squared norm at a join is made up of its branches: of the mean over the batch, and around it."""
    averages = np.array([end.averages() for end in ends])
    sizes = np.array([end.channels for end in ends])
    return Shares(normed(sizes * averages[:, 1]), normed(sizes * (averages[:, 0] - averages[:, 1])))


def sizes(gradients: Sequence[Gradient], ends: Sequence[Kernel], samples: float) -> Shares:
    """Return how branches side by side make up a weight layer's Gram matrix, by the kernels that stand for tangent kernels."""
    parts = [split(gradient.delta.dot(end), samples) for gradient, end in zip(gradients, ends, strict=True)]
    return Shares(*(normed(column) for column in np.array(parts).T))


def centred(kernel: Kernel) -> Kernel:
    """Return the covariances on a residual stream, whose units have means: no layer below adds to those alone."""
    if kernel.gaussian or kernel.law is None:
        return kernel
    centre = laws.mean(kernel.law_here().values)
    pair = kernel.pair - centre[:, None, :, None] * centre[None, :, None, :]
    return kernel.becomes(pair, kernel.site, near=kernel.near)


GROUPS = 6
"""Classes a side above which the degrees of freedom are counted on groups of them: 0.4 % of lambda_max on ResNet-152."""


def coarse(centred: Kernel, kernel: Kernel, gradient: Gradient, *, resolved: bool) -> tuple[Kernel, Kernel, Gradient]:
    """Return averages of kernels, and sums of a gradient, over groups of classes: on large maps the spread is small."""
    if resolved or len(kernel.rows.counts) * len(kernel.cols.counts) <= GROUPS**2:
        return centred, kernel, gradient
    (rows, r), (cols, c) = _grouped(kernel.rows), _grouped(kernel.cols)

    def mean(one: Kernel) -> Kernel:
        return Kernel(one.channels, rows, cols, both(one.pair, r, c), r @ one.site @ c.T, one.mean)

    whole = mean(kernel.even)
    around = whole if centred is kernel else mean(centred.even)
    r, c = (r > 0.0).astype(np.float64), (c > 0.0).astype(np.float64)
    delta = Sums(both(gradient.delta.pair, r, c), r @ gradient.delta.site @ c.T)
    return around, whole, Gradient(delta, masked=gradient.masked)


@lru_cache(maxsize=256)
def _grouped(axis: Axis) -> tuple[Axis, Array]:
    count = len(axis.counts)
    return average(axis, np.arange(count) * GROUPS // count if count > GROUPS else None)


def normed(values: Array) -> Array:
    """Return numbers that add up to 1, in the proportion of ``values``."""
    values = np.maximum(values, 0.0)
    total = float(values.sum())
    return values / total if total > 0.0 else np.full(len(values), 1.0 / len(values))


def rounded(value: float) -> float:
    """Return a number to four digits, so that the layers of a deep net share their responses."""
    return float(f"{value:.4g}")
