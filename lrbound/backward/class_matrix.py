"""Matrices over positions that depend on the classes of the two positions, and live apart on the diagonal.

    M(a, b) = pair(class a, class b) + [a = b] site(class a)

They are closed under products, so the traces below cost one product of (classes x classes) matrices, whatever the size of
the image. Forward kernels have this form exactly. Backward kernels are known as sums over classes; dividing by the
number of pairs spreads what is banded (a filter's reach) over the class, and is exact where every position is a class
of its own, as :mod:`lrbound.forward.roles` arranges for small maps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from lrbound.meanfield.kernel import Kernel
    from lrbound.meanfield.positions import Array


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
        left = self.pair * self.counts
        _diagonal(left)[...] += self.site
        pair = left @ other.pair
        pair += self.pair * other.site
        return Operator(pair, self.site * other.site, self.counts)

    def scaled(self, factor: float) -> Operator:
        """Multiply by a number."""
        return Operator(self.pair * factor, self.site * factor, self.counts)

    @property
    def diagonal(self) -> Array:
        """M(a, a) by class."""
        return self.pair.diagonal() + self.site

    def trace(self) -> float:
        """Return the sum of M(a, a)."""
        return float(self.diagonal @ self.counts)

    def trace_of_square(self) -> float:
        """Return the sum over a, b of M(a, b) M(b, a)."""
        square, more = self._square()
        return float(self.counts @ square @ self.counts + more @ self.counts)

    def traces_of_square(self, weight: Operator) -> tuple[float, float]:
        """Return the sum over a, b of M(a, b) M(b, a), and of the same times w(a, b)."""
        square, more = self._square()
        on = square.diagonal() * weight.site + more * weight.diagonal
        weighted = square * weight.pair
        return (
            float(self.counts @ square @ self.counts + more @ self.counts),
            float(self.counts @ weighted @ self.counts + on @ self.counts),
        )

    def _square(self) -> tuple[Array, Array]:
        """Return M(a, b) M(b, a) by classes, and what it has beside that for a = b."""
        square = self.pair * self.pair.T
        return square, self.diagonal**2 - square.diagonal()

    def participation(self) -> float:
        """Return (tr M)^2 / tr M^2, the number of eigenvalues that matter; at least 1."""
        return number(self.trace(), self.trace_of_square())


def number(trace: float, square: float) -> float:
    """Return (tr M)^2 / tr M^2 from the two traces; 1 of nothing."""
    return trace**2 / square if square > 0.0 else 1.0


def forward_kernel(kernel: Kernel, same: float, cross: float) -> Operator:
    """Return same S + cross X of a forward kernel, without the square of its mean."""
    kernel = kernel.even
    mixed = same * kernel.pair[0] + cross * kernel.pair[-1] if len(kernel.pair) > 1 else (same + cross) * kernel.pair[0]
    if kernel.mean:
        mixed -= (same + cross) * kernel.mean**2
    return _operator(kernel, mixed, same * kernel.site[0] + cross * kernel.site[1])


def times_varying(backward: Operator, kernel: Kernel) -> Operator:
    """Return B (S - X), where S - X is diagonal if both kinds of pairs share their part."""
    if len(kernel.even.pair) > 1:
        return backward @ forward_kernel(kernel, 1.0, -1.0)
    apart = (kernel.even.site[0] - kernel.even.site[1]).ravel()
    return Operator(backward.pair * apart, backward.site * apart, backward.counts)


def backward_kernel(kernel: Kernel, pair: Array, site: Array) -> Operator:
    """Return B(a, b), averaged over the class pairs, from its sums over the classes of ``kernel``."""
    weights = kernel.weights
    off = pair * kernel.each_apart
    on_diagonal = np.einsum("iijj->ij", off)  # a view
    on_diagonal -= site * np.einsum("iijj->ij", kernel.each_apart)
    on = site / weights
    between = _flat(off)
    return Operator(between, on.ravel() - between.diagonal(), weights.ravel())


def _operator(kernel: Kernel, pair: Array, site: Array) -> Operator:
    return Operator(_flat(pair), np.ravel(site), kernel.weights.ravel())


def _flat(pair: Array) -> Array:
    """Return (r, r, c, c) as (r c, r c)."""
    r, c = pair.shape[0], pair.shape[2]
    return np.ascontiguousarray(pair.swapaxes(1, 2)).reshape(r * c, r * c)


def _diagonal(matrix: Array) -> Array:
    """Return a view of the diagonal that can be written to."""
    return matrix.reshape(-1)[:: len(matrix) + 1]
