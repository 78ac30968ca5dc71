"""Operators on positions that are a class kernel plus a diagonal, and their products.

An operator A(a, b) = N(class a, class b) + [a = b] L(class a) maps class functions to class functions and multiplies
what is orthogonal to them by L. So it is known by its matrix on the normalised class functions and by L, and products
and functions of it are those of the two. Sums of a backward kernel B over classes transform alike: what is carried of B
is its projection on class functions and, of the rest, the trace within each class.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lrbound.meanfield.gradient import Sums
from lrbound.meanfield.kernel import CROSS, SAME

if TYPE_CHECKING:
    from collections.abc import Callable

    from lrbound.meanfield.kernel import Kernel
    from lrbound.meanfield.positions import Array


@dataclass(frozen=True, eq=False)
class Classes:
    """Sizes of the classes of positions, row and column class flattened to one index.

    Attributes
    ----------
    shape : tuple of int
        Row classes, column classes.
    counts : ndarray (m,)
        Positions in each class.
    """

    shape: tuple[int, int]
    counts: Array

    @property
    def size(self) -> float:
        """Number P of positions."""
        return float(self.counts.sum())

    @property
    def constant(self) -> Array:
        """The unit vector of functions that are equal at all positions, shape (m,)."""
        return np.sqrt(self.counts / self.size)

    @property
    def spare(self) -> Array:
        """Dimensions of each class that are orthogonal to class functions."""
        return self.counts - 1.0

    @property
    def _roots(self) -> Array:
        root = np.sqrt(self.counts)
        return root[:, None] * root

    def square(self, pair: Array) -> Array:
        """Return (..., r, r, c, c) as (..., m, m)."""
        r, c = self.shape
        return pair.swapaxes(-3, -2).reshape(*pair.shape[:-4], r * c, r * c)

    def unsquare(self, matrix: Array) -> Array:
        """Return (..., m, m) as (..., r, r, c, c)."""
        r, c = self.shape
        return matrix.reshape(*matrix.shape[:-2], r, c, r, c).swapaxes(-3, -2)

    def operator(self, pair: Array, site: Array) -> Operator:
        """Return a kernel (k, r, r, c, c), (2, r, c) as operators of both kinds of pairs of samples."""
        rest = site.reshape(*site.shape[:-2], -1)
        return Operator(self.square(pair) * self._roots + _diagonal(rest), rest)

    def kernel(self, operator: Operator) -> tuple[Array, Array]:
        """Return the kernel (pair, site) of operators of both kinds; ``pair`` is shared where that is possible."""
        rest = operator.rest
        if self.size == 1.0:
            # flat features have no pair of positions: all that differs between the kinds is the diagonal
            rest = operator.matrix[..., 0] - operator.matrix[CROSS, ..., 0]
        matrix = (operator.matrix - _diagonal(rest)) / self._roots
        if np.abs(matrix[SAME] - matrix[CROSS]).max() <= 1e-13 * np.abs(matrix).max():
            matrix = matrix[CROSS:]
        return self.unsquare(matrix), rest.reshape(*rest.shape[:-1], *self.shape)

    def sums(self, sums: Sums) -> Operator:
        """Return sums over classes as projections and traces."""
        matrix = self.square(sums.pair) / self._roots
        site = sums.site.reshape(*sums.site.shape[:-2], -1)
        return Operator(matrix, site - np.einsum("...ii->...i", matrix))

    def unsums(self, operator: Operator) -> Sums:
        """Return projections and traces as sums over classes."""
        site = operator.rest + np.einsum("...ii->...i", operator.matrix)
        return Sums(self.unsquare(operator.matrix * self._roots), site.reshape(*site.shape[:-1], *self.shape))

    def traces(self, operator: Operator) -> Operator:
        """Return an operator in the way that sums are carried: the trace within each class instead of L."""
        return Operator(operator.matrix, operator.rest * self.spare)

    def with_diagonal(self, sums: Operator, values: Array) -> Operator:
        """Add a function of the class (..., m) on the diagonal to what is carried as traces within each class."""
        matrix = sums.matrix + np.zeros_like(values)[..., None]  # a copy, as wide as both
        np.einsum("...ii->...i", matrix)[...] += values
        return Operator(matrix, sums.rest + values * self.spare)

    def trace(self, operator: Operator) -> Array:
        """Return the sum over positions of A(a, a)."""
        return np.einsum("...ii->...", operator.matrix) + operator.rest @ self.spare

    def trace_of_sums(self, sums: Operator) -> Array:
        """Return the sum over positions of what is carried as traces within each class."""
        return np.einsum("...ii->...", sums.matrix) + sums.rest.sum(axis=-1)

    def squares(self, operator: Operator) -> Array:
        """Return the sum over pairs of positions of A(a, b)^2."""
        return (operator.matrix**2).sum(axis=(-2, -1)) + operator.rest**2 @ self.spare

    def average(self, operator: Operator) -> Array:
        """Return the mean over pairs of positions of A(a, b)."""
        return (operator.matrix @ self.constant) @ self.constant / self.size

    def constant_part(self, operator: Operator) -> Operator:
        """Return E A E, E the average over positions."""
        e = self.constant
        inside = (operator.matrix @ e) @ e
        return Operator(inside[..., None, None] * (e[:, None] * e), np.zeros_like(operator.rest))

    def absorbed(self, operator: Operator, fraction: float, channels: float) -> Operator:
        """Return what subtracting ``fraction`` of the mean over a set of channels and positions removes from A.

        (f E A + f A E)/S - f^2 E A E/S: the mean over S channels takes 1/S of each channel's part.
        """
        e = self.constant
        left = operator.matrix @ e
        half = (fraction * left - 0.5 * fraction**2 * (left @ e)[..., None] * e) / channels
        one = half[..., None] * e
        return Operator(one + one.swapaxes(-1, -2), np.zeros_like(operator.rest))


@dataclass(frozen=True, eq=False)
class Operator:
    """A class kernel plus a diagonal.

    Attributes
    ----------
    matrix : ndarray (..., m, m)
        On the normalised class functions; symmetric for kernels.
    rest : ndarray (..., m)
        On what is orthogonal to them.
    """

    matrix: Array
    rest: Array

    def __matmul__(self, other: Operator) -> Operator:
        return Operator(self.matrix @ other.matrix, self.rest * other.rest)

    def __add__(self, other: Operator) -> Operator:
        return Operator(self.matrix + other.matrix, self.rest + other.rest)

    def __sub__(self, other: Operator) -> Operator:
        return Operator(self.matrix - other.matrix, self.rest - other.rest)

    def plus(self, other: Operator, factor: Array | float) -> Operator:
        """Return A + factor * other, ``factor`` one number for every leading index."""
        scaled = other.scaled(factor)
        return Operator(np.add(scaled.matrix, self.matrix, out=scaled.matrix), scaled.rest + self.rest)

    def scaled(self, factor: Array | float) -> Operator:
        """Multiply by one number for every leading index."""
        factor = np.asarray(factor)
        return Operator(factor[..., None, None] * self.matrix, factor[..., None] * self.rest)

    def transpose(self) -> Operator:
        """Return A(b, a)."""
        return Operator(self.matrix.swapaxes(-1, -2), self.rest)

    def symmetric(self) -> Operator:
        """Return A(a, b) + A(b, a)."""
        return self + self.transpose()

    def weighted(self, values: Array) -> Operator:
        """Return A(a, b) (k(a) + k(b)) for class functions k (..., m)."""
        both = values[..., :, None] + values[..., None, :]
        return Operator(self.matrix * both, self.rest * 2.0 * values)

    def times_diagonal(self, values: Array) -> Operator:
        """Return A(a, b) k(b)."""
        return Operator(self.matrix * values[..., None, :], self.rest * values)

    def kind(self, index: int) -> Operator:
        """Return the part of one kind of pairs of samples, the last leading axis."""
        return Operator(self.matrix[..., index, :, :], self.rest[..., index, :])

    def combined(self, way: Array) -> Operator:
        """Return linear combinations of the kinds, ``way`` (new kinds, kinds), on the same axis."""
        flat = self.matrix.reshape(*self.matrix.shape[:-2], -1)
        return Operator((way @ flat).reshape(*flat.shape[:-2], len(way), *self.matrix.shape[-2:]), way @ self.rest)

    def mixed(self, share: Array) -> Operator:
        """Return the sum over the kinds with the given weights, with the axis kept."""
        matrix = (self.matrix * share[:, None, None]).sum(axis=-3, keepdims=True)
        return Operator(matrix, (self.rest * share[:, None]).sum(axis=-2, keepdims=True))


def stack(kinds: tuple[Operator, Operator]) -> Operator:
    """Put (same, cross) side by side, on the last leading axis."""
    same, cross = kinds
    return Operator(
        np.stack(np.broadcast_arrays(same.matrix, cross.matrix), axis=-3),
        np.stack(np.broadcast_arrays(same.rest, cross.rest), axis=-2),
    )


@dataclass(frozen=True, eq=False)
class Eigen:
    """A symmetric operator by its eigenvalues: those on class functions, then L.

    Attributes
    ----------
    values : ndarray (2 m,)
    multiplicities : ndarray (2 m,)
    vectors : ndarray (m, m)
    """

    values: Array
    multiplicities: Array
    vectors: Array

    def function(self, values: Array) -> Operator:
        """Return the operator with the same eigenvectors and these eigenvalues."""
        on_classes, rest = np.split(values, 2)
        return Operator((self.vectors * on_classes) @ self.vectors.T, rest)

    def of(self, compute: Callable[[Array], Array]) -> Operator:
        """Return a function of the operator."""
        return self.function(compute(self.values))


def eigen(operator: Operator, classes: Classes) -> Eigen:
    """Return the eigenvalues of a kernel; rounding below 0 is cut."""
    values, vectors = np.linalg.eigh(operator.matrix)
    every = np.maximum(np.concatenate([values, operator.rest]), 0.0)
    return Eigen(every, np.concatenate([np.ones_like(values), classes.spare]), vectors)


def classes_of(kernel: Kernel) -> Classes:
    """Return the classes of positions of a kernel."""
    weights = kernel.weights
    return Classes((weights.shape[0], weights.shape[1]), weights.ravel())


def _diagonal(values: Array) -> Array:
    return values[..., None] * np.eye(values.shape[-1])
