"""Nearly alike classes of positions become one: what keeps deep stacks of convolutions on large maps cheap.

Every padded convolution adds a class a side, until each row is a class of its own; but from the border inwards the
difference falls off fast. Rows (columns) whose kernels with all positions agree to ``TOLERANCE`` of the mean square are
averaged, with their numbers of positions as weights. That is one more linear map with its exact transpose, so only the
small change of the kernel is an error: below 1 % of lambda_max on the usual networks at 224x224.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from lrbound.meanfield import edges, neighbours
from lrbound.meanfield.gradient import Sums
from lrbound.meanfield.kernel import Kernel, diagonal
from lrbound.meanfield.positions import Axis, uniform

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lrbound.meanfield.edges import Maps
    from lrbound.meanfield.neighbours import Near
    from lrbound.meanfield.positions import Array

TOLERANCE = 4e-3
FEW = 6
"""Classes on an axis that are not worth a search."""


@dataclass(frozen=True, eq=False)
class Merge:
    """Averages over groups of classes.

    Attributes
    ----------
    kernel : Kernel
        On the groups.
    rows, cols : ndarray (groups, classes)
        Weights of the classes in the mean of their group; rows add up to 1.
    near : two EdgeMap, or None
        The same for pairs of neighbours.
    """

    kernel: Kernel
    rows: Array
    cols: Array
    near: Maps | None = None

    def backward(self, sums: Sums) -> Sums:
        """Return sums over the classes from those over the groups: the transpose of the average."""
        r, c = self.rows, self.cols
        pair = both(sums.pair, r.T, c.T)
        if self.near is not None:
            return Sums(pair, *neighbours.backward(self.near, sums.site, sums.near))
        return Sums(pair, r.T @ sums.site @ c)


def merge(kernel: Kernel) -> Merge | None:
    """Return the kernel on fewer classes with its pullback; None where no two classes are alike."""
    limit = TOLERANCE * kernel.averages()[0]
    own = _own(kernel)
    rows = _groups(kernel.pair, own, limit)
    cols = _groups(np.moveaxis(kernel.pair, (-2, -1), (-4, -3)), own.swapaxes(-1, -2), limit)
    if rows is None and cols is None:
        return None
    (row_axis, r), (col_axis, c) = average(kernel.rows, rows), average(kernel.cols, cols)
    maps, near = None, None
    if kernel.near is not None:
        reach = neighbours.reach_of(kernel.near)
        maps = edges.regrouped(
            (kernel.rows.classes, kernel.cols.classes), reach, (row_axis.classes, col_axis.classes), reach
        )
        near = neighbours.forward(maps, kernel.site, kernel.near)[1]
    merged = Kernel(
        kernel.channels,
        row_axis,
        col_axis,
        both(kernel.pair, r, c),
        r @ kernel.site @ c.T,
        kernel.mean,
        kernel.gaussian,
        near=near,
        few=kernel.few,
    )
    return Merge(merged, r, c, maps)


def _own(kernel: Kernel) -> Array:
    """Return what distinguishes the classes in addition to their pairs, shape (..., r, c)."""
    near: Near | None = kernel.near
    if near is None:
        return kernel.site
    shared = near.by_left_end(near.values * near.weights) / kernel.weights
    return np.concatenate([kernel.site, shared], axis=-3)


def _groups(pair: Array, site: Array, limit: float) -> NDArray[np.int64] | None:
    """Return the group of each row class; None where every class is a group of its own."""
    count = pair.shape[-4]
    if count <= FEW:
        return None
    slices = np.moveaxis(pair, -4, 0).reshape(count, -1)
    own = np.moveaxis(site, -2, 0).reshape(count, -1)
    groups = np.zeros(count, dtype=np.int64)
    heads: list[int] = []
    near = np.abs(own[:, None] - own).max(axis=-1) <= limit
    for row in range(count):
        for group, head in enumerate(heads):
            if near[row, head] and np.abs(slices[row] - slices[head]).max() <= limit:
                groups[row] = group
                break
        else:
            groups[row] = len(heads)
            heads.append(row)
    return groups if len(heads) < count else None


def average(axis: Axis, groups: NDArray[np.int64] | None) -> tuple[Axis, Array]:
    """Return the axis of groups of classes, and the weights of the classes in the mean of their group."""
    if groups is None:
        return axis, np.eye(len(axis.counts))
    member = (groups == np.arange(groups.max() + 1)[:, None]) * axis.counts
    return Axis(tuple(groups[list(axis.classes)].tolist())), member / member.sum(axis=1, keepdims=True)


def in_one_class(kernel: Kernel) -> Kernel:
    """Return the kernel of a map whose positions are all alike, with the same averages over them and over their pairs."""
    rows, cols, even = uniform(kernel.rows.size), uniform(kernel.cols.size), kernel.even
    own = np.reshape(kernel.averages(), (2, 1, 1))
    pair = even.pair
    if kernel.positions > 1:
        apart = kernel.pairs_apart
        pair = (pair * apart).sum(axis=(-4, -3, -2, -1), keepdims=True) / apart.sum()
    return replace(kernel, rows=rows, cols=cols, pair=pair, site=own - diagonal(pair), near=None)


def both(pair: Array, rows: Array, cols: Array) -> Array:
    """Apply ``rows`` to both row axes and ``cols`` to both column axes."""
    lead, (r, c) = pair.shape[:-4], (pair.shape[-4], pair.shape[-2])
    out = rows @ pair.reshape(*lead, r, r * c * c)
    out = rows @ out.reshape(*lead, len(rows), r, c * c)
    out = out.reshape(*lead, len(rows) ** 2, c, c)
    # the last axis in one product, not one for each matrix
    out = cols @ (out.reshape(-1, c) @ cols.T).reshape(*lead, len(rows) ** 2, c, len(cols))
    found: Array = out.reshape(*lead, len(rows), len(rows), len(cols), len(cols))
    return found
