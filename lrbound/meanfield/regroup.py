"""From one partition of the positions to a finer one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import numpy as np

from lrbound.meanfield import edges, neighbours
from lrbound.meanfield.gradient import Sums
from lrbound.meanfield.kernel import Kernel
from lrbound.meanfield.merge import both
from lrbound.meanfield.positions import Array, Axis

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lrbound.meanfield.edges import Partition, Reach
    from lrbound.meanfield.neighbours import Near

UNLIKE = 2e-4
"""Part of the mean square that neighbours may have in a mean without being looked at one by one."""


@dataclass(frozen=True, eq=False)
class Regroup:
    """For every class of the finer partition, the class of the coarser one that it lies in.

    Attributes
    ----------
    rows, cols : ndarray of int
    coarse : tuple of int
        Number of row and of column classes of the coarser partition.
    below, above : Partition
        The coarser and the finer partition.
    """

    rows: NDArray[np.int64]
    cols: NDArray[np.int64]
    coarse: tuple[int, int]
    below: Partition
    above: Partition

    def gather(self, values: Array) -> Array:
        """Return class values (..., r, c) on the finer partition."""
        return values if self._is_identity else values[..., self.rows[:, None], self.cols]

    def gather_laws(self, values: Array) -> Array:
        """Return quantile functions (r, c, nodes) on the finer partition."""
        return values[self.rows[:, None], self.cols]

    def gather_pair(self, pair: Array) -> Array:
        """Return class-pair values (..., r, r, c, c) on the finer partition."""
        if self._is_identity:
            return pair
        (r, c), (rows, cols) = self.coarse, (self.rows, self.cols)
        at_rows = pair.reshape(*pair.shape[:-4], r * r, c * c).take((rows[:, None] * r + rows).ravel(), axis=-2)
        both_axes = at_rows.take((cols[:, None] * c + cols).ravel(), axis=-1)
        return both_axes.reshape(*pair.shape[:-4], len(rows), len(rows), len(cols), len(cols))

    def gather_near(self, near: Near | None, reach: Reach) -> Near | None:
        """Return what neighbours share on the finer partition, with a reach that is no smaller."""
        if near is None or (self._is_identity and reach == neighbours.reach_of(near)):
            return near
        rows, cols = edges.regrouped(self.below, neighbours.reach_of(near), self.above, reach)
        return neighbours.Near(rows.above, cols.above, rows.matrix @ near.values @ cols.matrix.T)

    def kernel(self, kernel: Kernel, rows: Axis, cols: Axis, reach: Reach | None = None) -> Kernel:
        """Return a kernel on the finer partition ``rows``, ``cols``."""
        return Kernel(
            kernel.channels,
            rows,
            cols,
            self.gather_pair(kernel.pair),
            self.gather(kernel.site),
            kernel.mean,
            kernel.gaussian,
            middle=kernel.middle,
            near=self.gather_near(kernel.near, reach or neighbours.reach_of(kernel.near)),
        )

    def backward(self, sums: Sums, like: Near | None = None) -> Sums:
        """Return sums over the coarser classes, and at the neighbours of ``like``: the transpose of the maps above."""
        near = self._back(sums.near, like)
        if self._is_identity:
            return Sums(sums.pair, sums.site, near)
        r, c = (np.eye(count)[:, index] for count, index in zip(self.coarse, (self.rows, self.cols), strict=True))
        return Sums(both(sums.pair, r, c), r @ sums.site @ c.T, near)

    def _back(self, near: Near | None, like: Near | None) -> Near | None:
        if near is None or like is None:
            return None
        reach = neighbours.reach_of(near)
        if self._is_identity and reach == neighbours.reach_of(like):
            return near
        rows, cols = edges.regrouped(self.below, neighbours.reach_of(like), self.above, reach)
        return neighbours.Near(rows.below, cols.below, rows.matrix.T @ near.values @ cols.matrix)

    @cached_property
    def _is_identity(self) -> bool:
        """Whether the partitions are the same, with the same numbers for the classes."""
        sizes = (len(self.rows), len(self.cols))
        return sizes == self.coarse and all(
            bool((index == np.arange(size)).all()) for index, size in zip((self.rows, self.cols), sizes, strict=True)
        )


@lru_cache(maxsize=512)
def _inside(coarse: tuple[int, ...], fine: tuple[int, ...]) -> NDArray[np.int64]:
    owner = np.zeros(max(fine) + 1, dtype=np.int64)
    owner[list(fine)] = coarse
    return owner


def regroup(rows: Axis, cols: Axis, fine_rows: Axis, fine_cols: Axis) -> Regroup:
    """Return the way from the partition ``rows``, ``cols`` to a refinement of it."""
    return _regroup((rows.classes, fine_rows.classes), (cols.classes, fine_cols.classes))


@lru_cache(maxsize=512)
def _regroup(rows: Partition, cols: Partition) -> Regroup:
    coarse, fine = zip(rows, cols, strict=True)
    return Regroup(_inside(*rows), _inside(*cols), (max(rows[0]) + 1, max(cols[0]) + 1), coarse, fine)


@lru_cache(maxsize=512)
def _common(one: Axis, other: Axis) -> Axis:
    if one.classes == other.classes:
        return one
    pairs = np.stack([one.classes, other.classes], axis=1)
    inverse = np.ravel(np.unique(pairs, axis=0, return_inverse=True)[1])
    return Axis(tuple(int(c) for c in inverse))


def told_apart(kernel: Kernel, samples: float) -> tuple[Kernel, Regroup | None]:
    """Return a kernel with neighbours on classes of positions that have like neighbours, and the way; None without any.

    A mean over ``samples`` and positions differs between the positions of a class by what neighbours have in it. Where
    that is less than ``UNLIKE``, or where the classes would be too many, they stay as they are.
    """
    near = kernel.near
    if near is None:
        return kernel, None
    same, cross = near.by_left_end(np.abs(near.values) * near.weights) / kernel.weights
    rows, cols = kernel.rows, kernel.cols
    if (same / samples + cross).max() > UNLIKE * kernel.averages()[0] * kernel.positions:
        finer = [
            Axis(edges.by_neighbours(axis.classes, far))
            for axis, far in zip((rows, cols), neighbours.reach_of(near), strict=True)
        ]
        if max(len(axis.counts) for axis in finer) <= neighbours.MOST_CLASSES:
            rows, cols = finer
    way = regroup(kernel.rows, kernel.cols, rows, cols)
    return replace(way.kernel(kernel, rows, cols), law=kernel.law, parts=kernel.parts), way


def common(one: Axis, other: Axis) -> Axis:
    """Return the coarsest partition that refines both."""
    return _common(one, other)
