"""Pairs of nearby positions on an axis, by classes, and what windows do to values at such pairs.

Pairs (a, b) of positions that are at most ``reach`` apart fall into classes by their distance and the classes of their
two ends. The class of a pair at a window's output determines those of all pairs of positions under its taps, as it does
for single positions (:mod:`lrbound.meanfield.positions`), so that nothing is approximated.

Above circular padding positions near the two ends of an axis are neighbours, too. Under a window that goes on at the other
end the distance of two taps depends on where they are, so there classes know how far they are from the ends
(:func:`by_border`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import numpy as np

from lrbound.errors import Refused

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lrbound.meanfield.positions import Array, AxisWindow

    Positions = NDArray[np.int64]

Span = tuple[int, int]
"""Of pairs on an axis of so many positions: |b - a| <= the first, or >= the size less the second (across the border)."""
ALONE: Span = (0, 0)
"""Positions with themselves."""
MOST_PAIRS = 4_000_000
"""Pairs of edges on a map: 30 MB for each array of them. A 15x15 window of stride 1 has half as many."""


@dataclass(frozen=True, eq=False)
class Edges:
    """Pairs of positions (a, b) on an axis that are within ``reach``, by b - a and their classes.

    Attributes
    ----------
    reach : Span
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

    reach: Span
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

    @property
    def alone(self) -> bool:
        """Whether there are no pairs but positions with themselves."""
        return self.reach == ALONE

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


@lru_cache(maxsize=512)
def edges(classes: tuple[int, ...], reach: Span) -> Edges:
    """Return the pairs of positions of an axis that are within ``reach``, but no farther than the axis is long."""
    own, size, many = np.asarray(classes), len(classes), max(classes) + 1
    reach = (min(reach[0], size - 1), min(reach[1], size - 1))
    near = (step for step in range(1 - size, size) if abs(step) <= reach[0] or abs(step) >= size - reach[1])
    steps = sorted(near, key=lambda step: (step != 0, step))
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
def by_neighbours(classes: tuple[int, ...], reach: Span) -> tuple[int, ...]:
    """Return the classes of positions that have like neighbours, too."""
    _, inverse = np.unique(edges(classes, reach).index, axis=1, return_inverse=True)
    return tuple(np.ravel(inverse).tolist())


def by_border(classes: tuple[int, ...], reach: Span) -> tuple[int, ...]:
    """Return the classes of positions of which the same steps within ``reach`` stay on the axis, or cross its border."""
    place, far = np.arange(len(classes)), max(reach)
    ends = np.minimum(place, far), np.minimum(place[::-1], far)
    _, inverse = np.unique(np.stack([classes, *ends]), axis=1, return_inverse=True)
    return tuple(np.ravel(inverse).tolist())


def carried(size: int, window: AxisWindow, reach: Span) -> Span:
    """Return the pairs of places of a convolution's window between which it carries what pairs of an axis share.

    Two places j apart have taps j stride apart. Taps of a circular window go on at the other end, so there pairs on either
    side of the border make pairs on both.
    """
    near, across = reach
    beyond = window.output_size(size) * window.stride - size
    if window.wraps:
        far = max(near, across)
        return far // window.stride, max(0, (beyond + far) // window.stride)
    return near // window.stride, max(0, (beyond + across) // window.stride) if across else 0


def gathered(size: int, window: AxisWindow, reach: Span) -> Span:
    """Return the pairs of places of a pool's window in which there are pairs of an axis: taps move on their own."""
    near, across = reach
    wide = window.kernel - 1
    beyond = window.output_size(size) * window.stride - size
    return (near + wide) // window.stride, max(0, (beyond + across + wide) // window.stride) if across else 0


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
Reach = tuple[Span, Span]
"""How many rows and columns apart pairs may be."""


@lru_cache(maxsize=512)
def moving(below: tuple[int, ...], above: tuple[int, ...], window: AxisWindow, reach: Span) -> EdgeMap:
    """Return the mean over taps where both ends move by the same offset, as in a convolution.

    Parameters
    ----------
    below, above : tuple of int
        Classes of the positions of the input and of the output.
    window : AxisWindow
    reach : Span
        Of the input.
    """
    source, target = edges(below, reach), edges(above, carried(len(below), window, reach))
    taps = window.taps(len(below))
    edge, a, b = target.member
    found = source.find(taps[a], taps[b])
    return _averaged(source, target, found, np.broadcast_to(edge[:, None], found.shape), window.kernel)


@lru_cache(maxsize=512)
def pooled(below: tuple[int, ...], above: tuple[int, ...], window: AxisWindow, reach: Span) -> EdgeMap:
    """Return the mean over pairs of taps, as in a pool; what lies outside the image counts as 0."""
    source, target = edges(below, reach), edges(above, gathered(len(below), window, reach))
    taps = window.taps(len(below))
    starts = np.arange(len(taps)) * window.stride - window.borders(len(below))[0]
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
def _regrouped(below: tuple[int, ...], near: Span, above: tuple[int, ...], far: Span) -> EdgeMap:
    source, target = edges(below, near), edges(above, far)
    edge, a, b = target.member
    return _averaged(source, target, source.find(a, b), edge, 1.0)


def check_size(maps: Maps) -> None:
    """Refuse maps whose pairs of edges would fill the memory."""
    rows, cols = (len(each.above.left) for each in maps)
    if rows * cols > MOST_PAIRS:
        raise Refused(
            f"pools that overlap over so many positions (up to {max(each.above.reach for each in maps)[0]} places apart) "
            "are not predicted: give them a larger stride"
        )
