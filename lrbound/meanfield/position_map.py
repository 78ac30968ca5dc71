"""What a convolution or a pool does to kernels over classes of positions: a linear map, and its transpose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lrbound.errors import Refused
from lrbound.meanfield import edges, neighbours
from lrbound.meanfield.gradient import Sums
from lrbound.meanfield.positions import Array, Axis, AxisWindow, Lumped, Window, refine

if TYPE_CHECKING:
    from collections.abc import Callable

    from lrbound.meanfield.edges import EdgeMap, Maps, Span
    from lrbound.meanfield.kernel import Kernel
    from lrbound.meanfield.neighbours import Near


MOST_PAIRS = 2_000_000
"""Pairs of classes of positions on a map: 32 MB for each kernel, of which a layer keeps a dozen."""


@dataclass(frozen=True, eq=False)
class PositionMap:
    """Maps (pair, site, near) of a kernel at the input to those at the output.

    Attributes
    ----------
    rows, cols : Axis
        Classes of the output.
    pair : two ndarrays (out^2, in^2)
        Act on the row pairs and on the column pairs of ``Kernel.pair``.
    site : two ndarrays (out, in)
        Act on rows and columns of ``Kernel.site``.
    near : two EdgeMap, or None
        Act on the diagonal part and on that of neighbours together, where input or output has such a part.
    is_identity : bool
        Whether all the maps are identities: filters of one pixel.
    """

    rows: Axis
    cols: Axis
    pair: tuple[Array, Array]
    site: tuple[Array, Array]
    near: Maps | None = None
    is_identity: bool = False

    def forward(self, kernel: Kernel) -> tuple[Array, Array, Near | None]:
        """Return (pair, site, near) at the output."""
        if self.is_identity:
            return kernel.pair, kernel.site, kernel.near
        r, c = len(self.rows.counts), len(self.cols.counts)
        out = _between(self.pair[0], _square(kernel.pair), self.pair[1].T)
        pair = out.reshape(*out.shape[:-2], r, r, c, c)
        if self.near is not None:
            return pair, *neighbours.forward(self.near, kernel.site, kernel.near)
        return pair, _between(self.site[0], kernel.site, self.site[1].T), None

    def backward(self, sums: Sums) -> Sums:
        """Return the transpose of ``forward`` applied to sums over the output's classes."""
        if self.is_identity:
            return sums
        pair = _between(self.pair[0].T, _square(sums.pair), self.pair[1])
        r, c = (round(matrix.shape[1] ** 0.5) for matrix in self.pair)
        pair = pair.reshape(*pair.shape[:-2], r, r, c, c)
        if self.near is not None:
            return Sums(pair, *neighbours.backward(self.near, sums.site, sums.near))
        return Sums(pair, _between(self.site[0].T, sums.site, self.site[1]))


def _between(left: Array, middle: Array, right: Array) -> Array:
    return left @ middle @ right


def _square(pair: Array) -> Array:
    r, c = pair.shape[-4], pair.shape[-2]
    return pair.reshape(*pair.shape[:-4], r * r, c * c)


def _edge_maps(
    make: Callable[[tuple[int, ...], tuple[int, ...], AxisWindow, Span], EdgeMap],
    kernel: Kernel,
    above: tuple[Lumped, Lumped],
    window: Window,
) -> Maps:
    reach = neighbours.reach_of(kernel.near)
    rows, cols = (
        make(axis.classes, lumped.axis.classes, along, far)
        for axis, lumped, along, far in zip((kernel.rows, kernel.cols), above, window, reach, strict=True)
    )
    edges.check_size((rows, cols))
    return rows, cols


def check_size(rows: Lumped, cols: Lumped) -> None:
    """Refuse windows that tell so many positions apart that the pairs of them would fill the memory."""
    alike = [len(lumped.axis.counts) for lumped in (rows, cols)]
    pairs = (alike[0] * alike[1]) ** 2
    if pairs > MOST_PAIRS:
        raise Refused(
            f"windows this large with padding make {alike[0]} kinds of rows and {alike[1]} of columns, {pairs:.1e} pairs; at most "
            f"{MOST_PAIRS:.0e} are followed: less padding, or circular padding, makes fewer"
        )


def convolution(kernel: Kernel, window: Window) -> PositionMap:
    """Mean over offsets d of K(s a + d, s b + d): both ends move by the same offset."""
    axes, reach = (kernel.rows, kernel.cols), neighbours.reach_of(kernel.near)
    rows, cols = (
        refine(axis, along, edges.by_border(axis.classes, far) if along.wraps else None)
        for axis, along, far in zip(axes, window, reach, strict=True)
    )
    check_size(rows, cols)
    # padding by more than the filter needs makes places whose windows are one and the same
    alone = all(
        edges.carried(axis.size, along, far) == edges.ALONE
        for axis, along, far in zip(axes, window, reach, strict=True)
    )
    return PositionMap(
        rows.axis,
        cols.axis,
        (rows.same_offset, cols.same_offset),
        (rows.mean, cols.mean),
        None if kernel.near is None and alone else _edge_maps(edges.moving, kernel, (rows, cols), window),
        is_identity=all(along.is_point for along in window),
    )


def pooling(kernel: Kernel, window: Window) -> PositionMap:
    """M K M^T with the pool's averages M: the two ends move by their own offsets.

    Windows that do not overlap keep the diagonal part on the diagonal, divided by their size; overlapping ones spread
    it over neighbours.
    """
    rows, cols = refine(kernel.rows, window.rows), refine(kernel.cols, window.cols)
    check_size(rows, cols)
    overlap = any(along.stride < along.kernel for along in window) or kernel.near is not None
    return PositionMap(
        rows.axis,
        cols.axis,
        (rows.free_offset, cols.free_offset),
        (rows.mean / window.rows.kernel, cols.mean / window.cols.kernel),
        _edge_maps(edges.pooled, kernel, (rows, cols), window) if overlap else None,
    )
