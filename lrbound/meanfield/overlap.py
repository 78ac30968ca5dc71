"""Windows that compare values, two at a time: which positions they share, and what their maxima have in common.

Two windows of w and w' positions, s of them in both, have the largest of independent uniforms below x and y with the
probability x^(w-s) y^(w'-s) min(x, y)^s. So the maxima v(x), v'(y) of values that rise with them have the covariance

    int int dv dv' [x^(w-s) y^(w'-s) min(x, y)^s - x^w y^w'],

and both maxima lie at one position with the probability s/u, u = w + w' - s the size of the union: the largest value of
all must be one of the shared. In two samples each has its own place: 1/(w w') for every shared position.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING

import numpy as np

from lrbound.meanfield import neighbours
from lrbound.meanfield.kernel import SAME
from lrbound.meanfield.neighbours import Near
from lrbound.meanfield.normal import cdf

if TYPE_CHECKING:
    from lrbound.meanfield.edges import Edges, Maps
    from lrbound.meanfield.positions import Array

GRID = np.linspace(-4.5, 6.0, 64)
"""Standard normal arguments between which a maximum is taken to rise evenly."""


@dataclass(frozen=True, eq=False)
class Overlap:
    """Pairs of windows that have positions in common, or neighbouring ones.

    Attributes
    ----------
    taps : Maps
        Means over the pairs of taps of two windows.
    size : float
        Taps of a window.
    """

    taps: Maps
    size: float

    @property
    def edges(self) -> tuple[Edges, Edges]:
        """Pairs of windows along rows and along columns."""
        return self.taps[0].above, self.taps[1].above

    @cached_property
    def _common(self) -> tuple[Array, Array]:
        """Shared positions of two windows by class, along rows and along columns."""
        rows, cols = (each.matrix[:, : each.below.own] * self.size for each in self.taps)
        return rows, cols

    @cached_property
    def shared(self) -> Array:
        """Number s of positions in both windows, (row edges, column edges); of a window with itself its size."""
        rows, cols = (each.sum(axis=1) for each in self._common)
        return rows[:, None] * cols

    @cached_property
    def ends(self) -> tuple[Array, Array]:
        """Sizes w and w' of the two windows inside the image."""
        rows, cols = self.edges
        own = self.shared[: rows.own, : cols.own]
        return own[rows.left[:, None], cols.left], own[rows.right[:, None], cols.right]

    @cached_property
    def _chances(self) -> tuple[Array, Array]:
        """Of a pair of taps to hold both maxima, same and cross samples: on one position, on two."""
        one, other = self.ends
        union = one + other - self.shared
        apart = (1.0 - self.shared / union) / np.maximum(one * other - self.shared, 1.0)
        return np.stack([1.0 / union, 1.0 / (one * other)]), np.stack([apart, 1.0 / (one * other)])

    def averages(self, site: Array, near: Near | None) -> tuple[Array, Near | None]:
        """Return means over the pairs of positions of two windows of what is not in the class pairs.

        Those of same samples leave out pairs of one position with itself, which count as shared.
        """
        one, other = self.ends
        scale = self.size**2 / np.stack([np.maximum(one * other - self.shared, 1.0), one * other])
        values = neighbours.joined(*neighbours.forward(self.taps, site, near), *self.edges)
        return neighbours.apart(values * scale, *self.edges)

    def places(self, site: Array, near: Near | None) -> tuple[Array, Near | None]:
        """Return gradients at the maxima as gradients at their positions: those at one position, and at neighbours."""
        (rows, cols), (one, two) = self._common, self._chances
        every = neighbours.joined(site, near, *self.edges)
        below = rows.T @ (every * one) @ cols
        row_map, col_map = self.taps
        spread = self.size**2 * (row_map.matrix.T @ (every * two) @ col_map.matrix)
        return below, neighbours.apart(spread, row_map.below, col_map.below)[1]

    def together(self, site: Array, near: Near | None) -> Array:
        """Return the sums over class pairs of gradients of same samples whose maxima are one position."""
        rows, cols = self.edges
        every = neighbours.joined(site, near, rows, cols)[..., SAME, :, :]
        return Near(rows, cols, every).embed(every * self.shared * self._chances[0][SAME])

    def covariance(self, rises: Array, weights: Array) -> Near:
        """Return the covariance of the maxima of same samples at given common parts, averaged over those.

        Parameters
        ----------
        rises : ndarray (r, c, common parts, steps)
            How much the maximum of a class of windows rises between two points of ``GRID``.
        weights : ndarray (common parts,)
        """
        rows, cols = self.edges
        near = Near(rows, cols, np.stack([self.shared, np.zeros_like(self.shared)]))
        near = near.of(near.values)
        left, right = near.ends(rises)
        one, other, shared = (each[near.hits[1:]] for each in (*self.ends, self.shared))
        kinds, inverse = np.unique(np.stack([one, other, shared]).round(6), axis=1, return_inverse=True)
        found = np.empty(len(left))
        for kind, sizes in enumerate(kinds.T.tolist()):
            mine = np.ravel(inverse) == kind
            found[mine] = ((left[mine] @ _together(*sizes)) * right[mine]).sum(axis=-1) @ weights
        values = np.zeros_like(near.values)
        values[near.hits] = found
        return near.of(values)


@cache
def _together(one: float, other: float, shared: float) -> Array:
    """Return P(both maxima below) less the product of the two, between the points of the grid."""
    x = cdf(0.5 * (GRID[1:] + GRID[:-1]))
    y = x[:, None]
    joint = y ** (one - shared) * x ** (other - shared) * np.minimum(x, y) ** shared
    result: Array = joint - y**one * x**other
    return result
