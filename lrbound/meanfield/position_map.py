"""What a convolution or a pool does to kernels over classes of positions: a linear map, and its transpose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lrbound.meanfield.gradient import Sums
from lrbound.meanfield.positions import Array, Axis, Lumped, Window, refine, shared_taps

if TYPE_CHECKING:
    from lrbound.meanfield.kernel import Kernel


@dataclass(frozen=True, eq=False)
class PositionMap:
    """Maps (pair, site) of a kernel at the input to those at the output.

    Attributes
    ----------
    rows, cols : Axis
        Classes of the output.
    pair : two ndarrays (out^2, in^2)
        Act on the row pairs and on the column pairs of ``Kernel.pair``.
    site : two ndarrays (out, in), or None
        Act on rows and columns of ``Kernel.site``; None where the output has no diagonal part of its own.
    site_scale : float
        Factor on the diagonal part.
    spread : two ndarrays (out^2, in), or None
        What the diagonal part of the input adds to the pairs of the output: overlapping pools.
    is_identity : bool
        Whether all the maps are identities: filters of one pixel.
    """

    rows: Axis
    cols: Axis
    pair: tuple[Array, Array]
    site: tuple[Array, Array] | None
    site_scale: float = 1.0
    spread: tuple[Array, Array] | None = None
    is_identity: bool = False

    def forward(self, kernel: Kernel) -> tuple[Array, Array]:
        """Return (pair, site) at the output."""
        if self.is_identity:
            return kernel.pair, kernel.site
        r, c = len(self.rows.counts), len(self.cols.counts)
        out = _between(self.pair[0], _square(kernel.pair), self.pair[1].T)
        if self.spread is not None:
            out = out + _between(self.spread[0], kernel.site, self.spread[1].T)
        pair = out.reshape(*out.shape[:-2], r, r, c, c)
        if self.site is None:
            return pair, kernel.site[..., :1, :1].repeat(r, -2).repeat(c, -1) * 0.0
        return pair, _between(self.site[0], kernel.site, self.site[1].T) * self.site_scale

    def backward(self, sums: Sums) -> Sums:
        """Return the transpose of ``forward`` applied to sums over the output's classes."""
        if self.is_identity:
            return sums
        square = _square(sums.pair)
        pair = _between(self.pair[0].T, square, self.pair[1])
        r, c = (round(matrix.shape[1] ** 0.5) for matrix in self.pair)
        site = None
        if self.site is not None:
            site = _between(self.site[0].T, sums.site, self.site[1]) * self.site_scale
        if self.spread is not None:
            site = _between(self.spread[0].T, square, self.spread[1])
        assert site is not None  # one of the two always maps the diagonal
        return Sums(pair.reshape(*pair.shape[:-2], r, r, c, c), site)


def _between(left: Array, middle: Array, right: Array) -> Array:
    return left @ middle @ right


def _square(pair: Array) -> Array:
    r, c = pair.shape[-4], pair.shape[-2]
    return pair.reshape(*pair.shape[:-4], r * r, c * c)


def _axes(kernel: Kernel, windows: tuple[Window, Window], *, singletons: bool = False) -> tuple[Lumped, Lumped]:
    rows, cols = windows
    return (
        refine(kernel.rows, rows, singletons=singletons),
        refine(kernel.cols, cols, singletons=singletons),
    )


def convolution(kernel: Kernel, window: Window) -> PositionMap:
    """Mean over offsets d of K(s a + d, s b + d): both ends move by the same offset."""
    rows, cols = _axes(kernel, (window, window))
    return PositionMap(
        rows.axis,
        cols.axis,
        (rows.same_offset, cols.same_offset),
        (rows.mean, cols.mean),
        is_identity=window.kernel == window.stride == 1 and window.padding == 0,
    )


def pooling(kernel: Kernel, windows: tuple[Window, Window]) -> PositionMap:
    """M K M^T with the pool's averages M: the two ends move by their own offsets.

    Windows that do not overlap keep the diagonal part on the diagonal, divided by their size. Overlapping ones spread
    it over neighbours, so that there every output position becomes a class of its own.
    """
    if all(w.stride >= w.kernel for w in windows):
        rows, cols = _axes(kernel, windows)
        size = windows[0].kernel * windows[1].kernel
        return PositionMap(
            rows.axis, cols.axis, (rows.free_offset, cols.free_offset), (rows.mean, cols.mean), 1.0 / size
        )
    rows, cols = _axes(kernel, windows, singletons=True)
    shared = tuple(
        shared_taps(axis.classes, window) for axis, window in zip((kernel.rows, kernel.cols), windows, strict=True)
    )
    return PositionMap(rows.axis, cols.axis, (rows.free_offset, cols.free_offset), None, spread=(shared[0], shared[1]))
