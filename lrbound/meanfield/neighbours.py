"""What neighbouring positions share under pools whose windows overlap.

For white input S - X lives on the diagonal, and weights, normalisers, activations and sums of branches keep it there.
Windows that overlap have positions in common, and then S - X (or X, where samples are correlated) has a part at pairs of
positions a few steps apart. That part is carried here, beside the class kernel and the diagonal:

    S(a, b) = pair(class a, class b) + near_S(a, b),      near_S(a, b) = 0 where a and b are more than ``reach`` apart.

Values are exact functions of the classes of pairs (:mod:`lrbound.meanfield.edges`), those of an image products of the two
axes'.

A pool of kernel k and stride s takes the reach r to (r + k - 1)//s, a convolution to r//s; above circular padding pairs
across the border have a reach of their own (:func:`lrbound.meanfield.edges.carried`). Statistics over positions sum
over neighbours, so there positions with unlike neighbours become classes of their own, up to ``MOST_CLASSES`` a side;
beyond that they see the mean over a class, which is wrong by the order of near/(n P) at borders.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lrbound.meanfield.kernel import Kernel, diagonal, embed, outer

if TYPE_CHECKING:
    from lrbound.meanfield.edges import Edges, Maps, Positions, Reach, Span
    from lrbound.meanfield.gradient import Sums
    from lrbound.meanfield.positions import Array
    from lrbound.meanfield.regroup import Regroup

SAME_ONLY = np.array([1.0, 0.0]).reshape(2, 1, 1)
MOST_CLASSES = 20
"""Classes on an axis up to which positions are distinguished by their neighbours."""


@dataclass(frozen=True, eq=False)
class Near:
    """Values at pairs of positions that are near each other, 0 for positions with themselves.

    Attributes
    ----------
    rows, cols : Edges
    values : ndarray (..., 2, row edges, column edges)
        The last leading axis: same and cross samples. Of a forward kernel what it has in addition to its class pairs; of sums
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
        """Return values by class pairs (..., r, r, c, c), or one for all of them, at these pairs."""
        if pair.shape[-4:] == (1, 1, 1, 1):
            return pair[..., 0, 0]
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

    def spread_evenly(self, kernel: Kernel) -> Kernel:
        """Return the kernel with what its neighbours share spread over all pairs of different positions of their classes.

        Sums over classes stay the same, and where every position is a class of its own so does the kernel.
        """
        even = _even(kernel, self)
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
    """Add values at the same pairs; None means 0."""
    return other if one is None else one.plus(other)


def reach_of(*nears: Near | None) -> Reach:
    """Return how many rows and columns apart the pairs are at most."""
    known = [near for near in nears if near is not None]
    return _widest([near.rows.reach for near in known]), _widest([near.cols.reach for near in known])


def _widest(spans: list[Span]) -> Span:
    return max((near for near, _ in spans), default=0), max((across for _, across in spans), default=0)


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
    if rows.alone and cols.alone:
        return site
    r, c = site.shape[-2:]
    values = np.zeros((*site.shape[:-2], len(rows.left), len(cols.left)))
    if near is not None:
        values += near.values
    values[..., :r, :c] = site
    return values


def apart(values: Array, rows: Edges, cols: Edges) -> tuple[Array, Near | None]:
    """Return the diagonal part and that of neighbours."""
    if rows.alone and cols.alone:
        return values, None
    site = values[..., : rows.own, : cols.own].copy()
    return site, Near(rows, cols, values).of(values)


class Factor(NamedTuple):
    """A function of two positions: on class pairs, of one position with itself, and beside the pairs at neighbours."""

    pair: Array
    site: Array
    near: Near | None

    def on(self, way: Regroup, reach: Reach) -> Factor:
        """Return the factor on a finer partition of the positions."""
        return Factor(way.gather_pair(self.pair), way.gather(self.site), way.gather_near(self.near, reach))

    def times(self, other: Factor) -> Factor:
        """Return the product with another factor at the same pairs."""
        near = None if self.near is None else self.near.of(self.near.values * self.near.at(other.pair))
        if other.near is not None:
            more = other.near.values * (other.near.at(self.pair) + (0.0 if self.near is None else self.near.values))
            near = added(near, other.near.of(more))
        return Factor(self.pair * other.pair, self.site * other.site, near)


# --- For what knows class kernels alone ------------------------------------------------------------------------------


def surplus(kernel: Kernel) -> Array:
    """Return what S^2 and X^2, summed over all pairs of positions, have beyond those of the even kernel."""
    near = kernel.near
    assert near is not None  # without neighbours there is no surplus
    spread = (_even(kernel, near) ** 2 * kernel.pairs_apart).sum(axis=(-4, -3, -2, -1))
    total: Array = (near.values**2 * near.weights).sum(axis=(-2, -1)) - spread
    return total


def _even(kernel: Kernel, near: Near) -> Array:
    return near.embed(near.values * near.weights) * kernel.each_apart


def gathered(kernel: Kernel, pair: Array, site: Array, *, over_batch: bool) -> tuple[Array, Array, Near | None]:
    """Return (pair, site, near) from what :meth:`Near.spread_evenly` of a kernel has become under a normaliser.

    What neighbours share is scaled as the diagonal part was, at both ends. Where statistics run over the batch, what
    else same samples have come to have beyond different ones goes to neighbours, too, so that sums over classes stay.
    """
    near = kernel.near
    assert near is not None  # without neighbours nothing is gathered
    old = kernel.even.site[:1]
    gain = np.sqrt(np.divide(site[:1], old, out=np.zeros_like(old), where=old * site[:1] > 0.0))
    near = near.of(near.values * near.product(gain))
    on_site = diagonal(pair) + site
    pair = pair - _even(kernel, near)
    if kernel.pair.shape[0] == 1 and over_batch:
        more = (pair[:1] - pair[-1:]) * kernel.pairs_apart
        counts = near.embed(near.of(near.weights).values)
        each = near.of(near.at(np.divide(more, counts, out=np.zeros_like(more), where=counts > 0.5)))
        near, pair = Near(near.rows, near.cols, near.values + each.values * SAME_ONLY), pair[-1:]
    elif np.allclose(pair[0], pair[-1], rtol=1e-13, atol=1e-14 * np.abs(on_site).max()):
        pair = pair[-1:]
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
