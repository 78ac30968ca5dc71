"""Matrices over positions that depend on the classes of the two positions, and live apart on the diagonal.

    M(a, b) = pair(class a, class b) + [a = b] site(class a)

They are closed under products, so the traces below cost one product of (classes x classes) matrices, whatever the size of
the image. Forward kernels have this form exactly. Backward kernels are known as sums over classes; dividing by the
number of pairs spreads what is banded (a filter's reach) over the class, and is exact where every position is a class
of its own, as :mod:`lrbound.finite.walk` arranges for small maps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from lrbound.finite.wishart import Array
    from lrbound.meanfield.kernel import Kernel


class Operator(NamedTuple):
    """A matrix over positions.

    Attributes
    ----------
    pair : ndarray (k, k)
        By the classes of the two positions.
    site : ndarray (k,)
        What the diagonal has beside it.
    counts : ndarray (k,)
        Positions in each class.
    """

    pair: Array
    site: Array
    counts: Array

    def __matmul__(self, other: Operator) -> Operator:
        pair = (self.pair * self.counts) @ other.pair + self.site[:, None] * other.pair + self.pair * other.site
        return Operator(pair, self.site * other.site, self.counts)

    def scaled(self, factor: float) -> Operator:
        """Multiply by a number."""
        return Operator(self.pair * factor, self.site * factor, self.counts)

    @property
    def diagonal(self) -> Array:
        """M(a, a) by class."""
        return np.diagonal(self.pair) + self.site

    def trace(self) -> float:
        """Return the sum of M(a, a)."""
        return float(self.diagonal @ self.counts)

    def trace_of_square(self, weight: Operator | None = None) -> float:
        """Return the sum over a, b of M(a, b) M(b, a) w(a, b)."""
        pair = self.pair * self.pair.T
        diagonal = self.diagonal**2
        if weight is not None:
            on = np.diagonal(pair) * np.diagonal(weight.pair)
            pair, diagonal = pair * weight.pair, diagonal * weight.diagonal
        else:
            on = np.diagonal(pair)
        return float(self.counts @ pair @ self.counts + (diagonal - on) @ self.counts)

    def participation(self, weight: Operator | None = None) -> float:
        """Return (tr M)^2 / tr M^2, the number of eigenvalues that matter; at least 1 without ``weight``."""
        square = self.trace_of_square(weight)
        return self.trace() ** 2 / square if square > 0.0 else 1.0


def forward_kernel(kernel: Kernel, same: float, cross: float) -> Operator:
    """Return same S + cross X of a forward kernel, without the square of its mean."""
    kernel = kernel.even
    mixed = same * kernel.pair[0] + cross * kernel.pair[-1] if len(kernel.pair) > 1 else (same + cross) * kernel.pair[0]
    if kernel.mean:
        mixed -= (same + cross) * kernel.mean**2
    return _operator(kernel, mixed, same * kernel.site[0] + cross * kernel.site[1])


def backward_kernel(kernel: Kernel, pair: Array, site: Array) -> Operator:
    """Return B(a, b), averaged over the class pairs, from its sums over the classes of ``kernel``."""
    weights = kernel.weights
    off = pair * kernel.each_apart
    on_diagonal = np.einsum("iijj->ij", off)  # a view
    on_diagonal -= site * np.einsum("iijj->ij", kernel.each_apart)
    on = site / weights
    between = _flat(off)
    return Operator(between, on.ravel() - np.diagonal(between), weights.ravel())


def _operator(kernel: Kernel, pair: Array, site: Array) -> Operator:
    return Operator(_flat(pair), np.ravel(site), kernel.weights.ravel())


def _flat(pair: Array) -> Array:
    """Return (r, r, c, c) as (r c, r c)."""
    r, c = pair.shape[0], pair.shape[2]
    return np.ascontiguousarray(pair.swapaxes(1, 2)).reshape(r * c, r * c)
