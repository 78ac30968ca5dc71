"""Where the windows of a pool lie on the classes of a map, and what they do to averages and to gradients."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lrbound.meanfield import edges, neighbours, unlike
from lrbound.meanfield.gradient import Sums
from lrbound.meanfield.kernel import CROSS, SAME, embed
from lrbound.meanfield.overlap import Overlap
from lrbound.meanfield.position_map import check_size
from lrbound.meanfield.positions import refine

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lrbound.meanfield.edges import Edges
    from lrbound.meanfield.kernel import Kernel
    from lrbound.meanfield.neighbours import Near
    from lrbound.meanfield.positions import Array, Axis, AxisWindow, Lumped, Window


class Values(NamedTuple):
    """Gaussian values under windows.

    Attributes
    ----------
    moments : Moments
        Of the maxima.
    covariances : (ndarray, ndarray)
        Between positions, same and cross.
    weight : float
        How far they are to be believed: the series in the covariances is short.
    """

    moments: unlike.Moments
    covariances: tuple[Array, Array]
    weight: float


@dataclass(frozen=True, eq=False)
class Windows:
    """The places of a window on the classes of a map.

    Attributes
    ----------
    row_taps, col_taps : Lumped
    overlap : Overlap
        Pairs of windows that share positions.
    window : Window
    """

    row_taps: Lumped
    col_taps: Lumped
    overlap: Overlap
    window: Window

    def neighbours(self, near: Near) -> Array:
        """Return what same samples have beside their class pairs between the taps of a window, (windows, taps, taps)."""
        rows, cols = (
            _between_taps(edges_of, lumped.axis, along)
            for edges_of, lumped, along in (
                (near.rows, self.row_taps, self.window.rows),
                (near.cols, self.col_taps, self.window.cols),
            )
        )
        row, col = rows[:, None, :, None, :, None], cols[None, :, None, :, None, :]
        found = np.where((row >= 0) & (col >= 0), near.values[SAME][row, col], 0.0)
        size = self.window.size
        return found.reshape(len(rows) * len(cols), size, size)

    @property
    def rows(self) -> Axis:
        """Classes of output rows."""
        return self.row_taps.axis

    @property
    def cols(self) -> Axis:
        """Classes of output columns."""
        return self.col_taps.axis

    @cached_property
    def places(self) -> unlike.Taps:
        """Classes of positions under the taps."""
        return unlike.Taps(self.row_taps, self.col_taps)

    @cached_property
    def shares(self) -> tuple[Array, Array]:
        """Uniform weights of the positions inside the image, (out, in) for rows and columns."""
        rows, cols = (lumped.taps.sum(axis=0) for lumped in (self.row_taps, self.col_taps))
        return rows / rows.sum(axis=1, keepdims=True), cols / cols.sum(axis=1, keepdims=True)

    @cached_property
    def sizes(self) -> Array:
        """Number of positions inside the image by class, (r, c)."""
        rows, cols = (lumped.taps.sum(axis=(0, 2)) for lumped in (self.row_taps, self.col_taps))
        return rows[:, None] * cols

    def average_pair(self, pair: Array) -> Array:
        """Return the mean over pairs of positions of two windows."""
        r, c = self.shares
        return np.einsum("ai,bj,...ijkl,ck,dl->...abcd", r, r, pair, c, c, optimize=True)

    def average(self, values: Array) -> Array:
        """Return the mean over the positions of a window, (..., r, c)."""
        r, c = self.shares
        return np.einsum("ai,...ik,ck->...ac", r, values, c, optimize=True)

    def spread(self, sums: Sums, values: Values | None = None) -> Sums:
        """Return gradients at the maxima as gradients at their positions, of which those of unlike ``values`` are known."""
        r, c = self.shares
        none = np.zeros_like(sums.pair[..., SAME, :, :, :, :])
        together = self.overlap.together(sums.site, sums.near)
        apart = sums.pair - np.stack([together, none], -5)
        site, near = self.overlap.places(sums.site, sums.near)
        if values is None:
            below = np.einsum("ai,bj,...abcd,ck,dl->...ijkl", r, r, apart, c, c, optimize=True)
        else:
            below = unlike.spread_pairs(self.places, values.moments, values.covariances, apart)
            if near is None:
                site = unlike.spread_sites(self.places, values.moments, values.covariances[CROSS], sums.site)
        # one sample's maximum is one position: what a window shares with itself stays on the diagonal
        own = np.stack([embed(site[..., SAME, :, :]), np.zeros_like(below[..., SAME, :, :, :, :])], -5)
        return Sums(below + own, site, near)


def windows_of(kernel: Kernel, window: Window) -> Windows:
    """Return the places of a window on the classes of a kernel."""
    rows, cols = refine(kernel.rows, window.rows), refine(kernel.cols, window.cols)
    check_size(rows, cols)
    reach = neighbours.reach_of(kernel.near)
    row_map, col_map = (
        edges.pooled(axis.classes, lumped.axis.classes, along, far)
        for axis, lumped, along, far in zip((kernel.rows, kernel.cols), (rows, cols), window, reach, strict=True)
    )
    edges.check_size((row_map, col_map))
    return Windows(rows, cols, Overlap((row_map, col_map), window.size), window)


def _between_taps(pairs: Edges, above: Axis, window: AxisWindow) -> NDArray[np.int64]:
    """Return the edges between the taps of one window of each class, (classes, taps, taps); -1 where there is none."""
    _, first = np.unique(above.classes, return_index=True)
    taps = window.taps(len(pairs.classes))[first]
    return pairs.find(taps[:, :, None], taps[:, None, :])
