"""What neighbouring positions share under pools whose windows overlap.

For white input S - X lives on the diagonal, and weights, normalisers, activations and sums of branches keep it there.
Windows that overlap have positions in common, and then S - X (or X, where samples are correlated) has a part at pairs of
positions a few steps apart. That part is carried here, beside the class kernel and the diagonal:

    S(a, b) = pair(class a, class b) + near_S(a, b),      near_S(a, b) = 0 where a and b are more than ``reach`` apart.

Along each axis the pairs of positions that are at most so far apart fall into classes of their own, :class:`Edges`, by
their distance and the classes of their ends; those of an image are products of the two axes'. So values are exact class
functions, as the kernel itself is. The ends of an axis count as neighbours, too, for circular padding.

A pool of kernel k and stride s takes the reach r to (r + k - 1)//s, a convolution to r//s. Statistics over positions sum
over neighbours, so there positions with unlike neighbours become classes of their own, up to ``MOST_CLASSES`` a side;
beyond that they see the mean over a class, which is wrong by the order of near/(n P) at borders.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import numpy as np

from lrbound.errors import Refused
from lrbound.meanfield.kernel import Kernel, diagonal, embed, outer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lrbound.meanfield.gradient import Sums
    from lrbound.meanfield.positions import Array, Axis, Window

    Positions = NDArray[np.int64]

SAME_ONLY = np.array([1.0, 0.0]).reshape(2, 1, 1)
MOST_CLASSES = 20
"""Classes on an axis up to which positions are told apart by their neighbours."""
MOST_PAIRS = 4_000_000
"""Pairs of edges on a map: 30 MB for each array of them. A 15x15 window of stride 1 has half as many."""


@dataclass(frozen=True, eq=False)
class Edges:
    """Pairs of positions (a, b) on an axis that are at most ``reach`` steps apart, by b - a and their classes.

    Attributes
    ----------
    reach : int
    classes : tuple of int
        Class of each position of the axis; as many edges as there are classes come first, of positions with themselves.
    left, right : ndarray (edges,) of int
        Classes of the two ends.
    member : ndarray (3, pairs) of int
        Edge, a and b of every pair of positions.
    index : ndarray (distances + 1, size) of int
        Edge by row of ``row`` and by a; -1 where there is none.
    row : ndarray (2 size + 1,) of int
        Row of ``index`` by b - a + size.
    """

    reach: int
    classes: tuple[int, ...]
    left: Positions
    right: Positions
    member: Positions
    index: Positions
    row: Positions

    @property
    def own(self) -> int:
        """Number of classes, and of the edges that are positions with themselves."""
        return max(self.classes) + 1

    @cached_property
    def counts(self) -> Array:
        """Number of pairs of positions of each edge."""
        return np.bincount(self.member[0]).astype(np.float64)

    @cached_property
    def places(self) -> Array:
        """One where an edge has these classes at its ends, shape (edges, classes^2)."""
        m = self.own
        return ((self.left * m + self.right)[:, None] == np.arange(m * m)).astype(np.float64)

    def find(self, a: Positions, b: Positions) -> Positions:
        """Return the edges of pairs of positions; -1 where one is outside the image, or they are too far apart."""
        size = len(self.classes)
        inside = (a >= 0) & (b >= 0) & (a < size) & (b < size)
        row = self.row[np.where(inside, b - a, size) + size]
        return self.index[row, np.where(inside, a, 0)]


def edges(axis: Axis, reach: int) -> Edges:
    """Return the pairs of positions of an axis that are at most ``reach`` apart."""
    return _edges(axis.classes, min(reach, axis.size - 1))


@lru_cache(maxsize=512)
def _edges(classes: tuple[int, ...], reach: int) -> Edges:
    own, size, many = np.asarray(classes), len(classes), max(classes) + 1
    near = {step + turn * size for step in range(-reach, reach + 1) for turn in (-1, 0, 1)}
    steps = sorted((step for step in near if abs(step) < size), key=lambda step: (step != 0, step))
    row = np.full(2 * size + 1, -1)
    index = np.full((len(steps) + 1, size), -1)
    ends, members, total = [], [], 0
    for place, step in enumerate(steps):
        a = np.arange(max(0, -step), min(size, size - step))
        found, edge = np.unique(own[a] * many + own[a + step], return_inverse=True)
        edge = edge + total
        row[step + size], index[place, a] = place, edge
        ends.append(found)
        members.append(np.stack([edge, a, a + step]))
        total += len(found)
    left, right = np.divmod(np.concatenate(ends), many)
    return Edges(reach, classes, left, right, np.concatenate(members, axis=1), index, row)


@lru_cache(maxsize=512)
def by_neighbours(classes: tuple[int, ...], reach: int) -> tuple[int, ...]:
    """Return the classes of positions that have like neighbours, too."""
    _, inverse = np.unique(_edges(classes, reach).index, axis=1, return_inverse=True)
    return tuple(np.ravel(inverse).tolist())


@dataclass(frozen=True, eq=False)
class EdgeMap:
    """A linear map from values by the edges ``below`` to values by the edges ``above``.

    Attributes
    ----------
    below, above : Edges
    matrix : ndarray (above, below)
    """

    below: Edges
    above: Edges
    matrix: Array


Maps = tuple[EdgeMap, EdgeMap]
"""Along rows and along columns."""
Partition = tuple[tuple[int, ...], tuple[int, ...]]
"""Class of each row and of each column."""
Reach = tuple[int, int]
"""How many rows and columns apart pairs may be."""


@dataclass(frozen=True, eq=False)
class Near:
    """Values at pairs of positions that are near each other, 0 for positions with themselves.

    Attributes
    ----------
    rows, cols : Edges
    values : ndarray (..., 2, row edges, column edges)
        The last leading axis: same and cross samples. Of a forward kernel what it has beside its class pairs; of sums
        over classes their part with these pairs of positions, summed over them.
    """

    rows: Edges
    cols: Edges
    values: Array

    def of(self, values: Array) -> Near:
        """Return other values at the same pairs; those of positions with themselves are left out."""
        kept = values.copy()
        kept[..., : self.rows.own, : self.cols.own] = 0.0
        return Near(self.rows, self.cols, kept)

    @property
    def weights(self) -> Array:
        """Number of pairs of positions."""
        return self.rows.counts[:, None] * self.cols.counts

    def at(self, pair: Array) -> Array:
        """Return values by class pairs (..., r, r, c, c) at these pairs."""
        rows, cols = self.rows, self.cols
        return pair[..., rows.left[:, None], rows.right[:, None], cols.left, cols.right]

    @cached_property
    def hits(self) -> tuple[Positions, ...]:
        """Where there is something: a pair function is computed there alone."""
        return np.nonzero(self.values)

    def total(self, pair: Array) -> Array:
        """Return the values with those of their class pairs where there are any, shape (hits,)."""
        return (self.at(pair) + self.values)[self.hits]

    def ends(self, values: Array) -> tuple[Array, Array]:
        """Return a class function (r, c, ...) at both ends of these pairs, two arrays (hits, ...)."""
        _, row, col = self.hits
        rows, cols = self.rows, self.cols
        return values[rows.left[row], cols.left[col]], values[rows.right[row], cols.right[col]]

    def beside(self, found: Array, pair: Array) -> Near:
        """Return what ``found`` (hits,), a function of the total, has beside the same function of class pairs."""
        values = np.zeros_like(self.values)
        values[self.hits] = found - np.broadcast_to(self.at(pair), self.values.shape)[self.hits]
        return self.of(values)

    def product(self, values: Array) -> Array:
        """Return the product of a class function (..., r, c) at the two ends."""
        rows, cols = self.rows, self.cols
        left: Array = values[..., rows.left[:, None], cols.left]
        return left * values[..., rows.right[:, None], cols.right]

    def embed(self, values: Array) -> Array:
        """Return sums over these pairs as sums over class pairs, shape (..., r, r, c, c)."""
        r, c = self.rows.own, self.cols.own
        square = self.rows.places.T @ values @ self.cols.places
        return square.reshape(*values.shape[:-2], r, r, c, c)

    def by_left_end(self, values: Array) -> Array:
        """Return sums over these pairs by the class of their left end, shape (..., r, c)."""
        rows, cols = (each.left[:, None] == np.arange(each.own) for each in (self.rows, self.cols))
        total: Array = rows.T @ values @ cols
        return total

    def squares(self, pair: Array) -> Array:
        """Return the sum over these pairs of (pair + near)^2 - pair^2."""
        values: Array = (self.values * (self.values + 2.0 * self.at(pair)) * self.weights).sum(axis=(-2, -1))
        return values

    def plus(self, other: Near | None) -> Near:
        """Add values at the same pairs."""
        return self if other is None else Near(self.rows, self.cols, self.values + other.values)

    def scaled(self, factor: Array | float) -> Near:
        """Multiply by a number."""
        return Near(self.rows, self.cols, self.values * factor)


def added(one: Near | None, other: Near | None) -> Near | None:
    """Add values at the same pairs; None stands for 0."""
    return other if one is None else one.plus(other)


def reach_of(*nears: Near | None) -> Reach:
    """Return how many rows and columns apart the pairs are at most."""
    rows = max((near.rows.reach for near in nears if near is not None), default=0)
    return rows, max((near.cols.reach for near in nears if near is not None), default=0)


def forward(maps: Maps, site: Array, near: Near | None) -> tuple[Array, Near | None]:
    """Map the diagonal part of a kernel and its part at neighbours."""
    rows, cols = maps
    return apart(rows.matrix @ joined(site, near, rows.below, cols.below) @ cols.matrix.T, rows.above, cols.above)


def backward(maps: Maps, site: Array, near: Near | None) -> tuple[Array, Near | None]:
    """Return the transpose of ``forward``, for sums."""
    rows, cols = maps
    return apart(rows.matrix.T @ joined(site, near, rows.above, cols.above) @ cols.matrix, rows.below, cols.below)


def joined(site: Array, near: Near | None, rows: Edges, cols: Edges) -> Array:
    """Return the diagonal part among the pairs of neighbours, positions with themselves."""
    if rows.reach == cols.reach == 0:
        return site
    r, c = site.shape[-2:]
    values = np.zeros((*site.shape[:-2], len(rows.left), len(cols.left)))
    if near is not None:
        values += near.values
    values[..., :r, :c] = site
    return values


def apart(values: Array, rows: Edges, cols: Edges) -> tuple[Array, Near | None]:
    """Return the diagonal part and that of neighbours."""
    if rows.reach == cols.reach == 0:
        return values, None
    site = values[..., : rows.own, : cols.own].copy()
    return site, Near(rows, cols, values).of(values)


# --- The maps --------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=512)
def moving(below: tuple[int, ...], above: tuple[int, ...], window: Window, reach: int) -> EdgeMap:
    """Return the mean over taps where both ends move by the same offset, as in a convolution.

    Parameters
    ----------
    below, above : tuple of int
        Classes of the positions of the input and of the output.
    window : Window
    reach : int
        Of the input.
    """
    source, target = _edges(below, min(reach, len(below) - 1)), _edges(above, min(reach // window.stride, len(above) - 1))
    taps = window.taps(len(below))
    edge, a, b = target.member
    found = source.find(taps[a], taps[b])
    return _averaged(source, target, found, np.broadcast_to(edge[:, None], found.shape), window.kernel)


@lru_cache(maxsize=512)
def pooled(below: tuple[int, ...], above: tuple[int, ...], window: Window, reach: int) -> EdgeMap:
    """Return the mean over pairs of taps, as in a pool; what lies outside the image counts as 0."""
    far = (reach + window.kernel - 1) // window.stride
    source, target = _edges(below, min(reach, len(below) - 1)), _edges(above, min(far, len(above) - 1))
    taps = window.taps(len(below))
    starts = np.arange(len(taps)) * window.stride - window.padding
    edge, a, b = target.member
    every: list[Positions] = []
    for step in np.flatnonzero(source.row >= 0) - len(below):
        other = taps[a] + step
        under = (other >= starts[b][:, None]) & (other < starts[b][:, None] + window.kernel)
        every.append(np.where(under, source.find(taps[a], other), -1))
    found = np.concatenate(every, axis=1)
    return _averaged(source, target, found, np.broadcast_to(edge[:, None], found.shape), window.kernel**2)


def _averaged(source: Edges, target: Edges, found: Positions, edge: Positions, share: float) -> EdgeMap:
    """Return the map that takes 1/share of every edge ``found``, averaged over the pairs of positions of ``edge``."""
    matrix = np.zeros((len(target.left), len(source.left)))
    hit = found >= 0
    np.add.at(matrix, (edge[hit], found[hit]), 1.0)
    return EdgeMap(source, target, matrix / (share * target.counts[:, None]))


def regrouped(below: Partition, near: Reach, above: Partition, far: Reach) -> Maps:
    """Return the maps between two partitions of the same positions: to a finer one, or to means over groups of classes.

    What ``far`` has beyond ``near`` is 0.
    """
    rows, cols = (
        _regrouped(one, close, other, wide) for one, close, other, wide in zip(below, near, above, far, strict=True)
    )
    return rows, cols


@lru_cache(maxsize=512)
def _regrouped(below: tuple[int, ...], near: int, above: tuple[int, ...], far: int) -> EdgeMap:
    source, target = _edges(below, near), _edges(above, far)
    edge, a, b = target.member
    return _averaged(source, target, source.find(a, b), edge, 1.0)


def check_size(maps: Maps) -> None:
    """Refuse maps whose pairs of edges would fill the memory."""
    rows, cols = (len(each.above.left) for each in maps)
    if rows * cols > MOST_PAIRS:
        raise Refused(
            f"pools that overlap over so many positions (up to {max(each.above.reach for each in maps)} places apart) "
            "are not predicted: give them a larger stride"
        )


# --- For what knows class kernels alone ------------------------------------------------------------------------------


def spread_evenly(kernel: Kernel) -> Kernel:
    """Return the kernel with what neighbours share spread over all pairs of different positions of their classes.

    Sums over classes stay the same, and where every position is a class of its own so does the kernel.
    """
    near = kernel.near
    if near is None:
        return kernel
    even = _even(kernel, near)
    return Kernel(
        kernel.channels,
        kernel.rows,
        kernel.cols,
        kernel.pair + even,
        kernel.site - diagonal(even),
        kernel.mean,
        kernel.gaussian,
        kernel.law,
    )


def _even(kernel: Kernel, near: Near) -> Array:
    total = near.embed(near.values * near.weights)
    pairs = kernel.pair_weights - embed(kernel.weights)
    return np.divide(total, pairs, out=np.zeros_like(total), where=pairs > 0.5)


def gathered(kernel: Kernel, pair: Array, site: Array) -> tuple[Array, Array, Near | None]:
    """Return (pair, site, near) from what :func:`spread_evenly` of a kernel has become under a normaliser.

    What neighbours share is scaled as the diagonal part was, at both ends, and what else same samples have come to have
    beyond different ones goes to neighbours, too, so that sums over classes stay.
    """
    near = kernel.near
    if near is None:
        return pair, site, None
    old = spread_evenly(kernel).site[:1]
    gain = np.sqrt(np.divide(site[:1], old, out=np.zeros_like(old), where=old * site[:1] > 0.0))
    near = near.of(near.values * near.product(gain))
    on_site = diagonal(pair) + site
    pair = pair - _even(kernel, near)
    if kernel.pair.shape[0] == 1:
        more = (pair[:1] - pair[-1:]) * (kernel.pair_weights - embed(kernel.weights))
        counts = near.embed(near.of(near.weights).values)
        each = near.of(near.at(np.divide(more, counts, out=np.zeros_like(more), where=counts > 0.5)))
        near, pair = Near(near.rows, near.cols, near.values + each.values * SAME_ONLY), pair[-1:]
    return pair, on_site - diagonal(pair), near


def follow(before: Sums, after: Sums, like: Near | None) -> Sums:
    """Return ``after`` with its part at the neighbours of ``like``, where a class kernel was taken from ``before``.

    What it took of different positions is the difference of their sums, and is spread over them evenly.
    """
    if like is None:
        return after
    counts = like.rows.counts[: like.rows.own, None] * like.cols.counts[: like.cols.own]
    apart = outer(counts) - embed(counts)
    taken = before.pair - after.pair - embed(before.site - after.site)
    values = -like.weights * like.at(np.divide(taken, apart, out=np.zeros_like(taken), where=apart > 0.5))
    if before.near is not None:
        values = values + before.near.values
    return replace(after, near=like.of(values))
