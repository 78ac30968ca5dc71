"""``global_avg_pool``: the average over all positions, flat ``[channels]``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from lrbound.layers.base import Layer
from lrbound.meanfield.contract import Context, Pullback, Shape, ShapeError
from lrbound.meanfield.pool import average
from lrbound.meanfield.positions import Window
from lrbound.meanfield.single_samples import pooled

if TYPE_CHECKING:
    from torch import nn

    from lrbound.init import Init
    from lrbound.meanfield.kernel import Kernel


@dataclass(frozen=True)
class GlobalAvgPool(Layer):
    """Global average pooling: K = mean over all a, b of K(a, b)."""

    averages_positions: ClassVar[bool] = True

    def bound(self, inner: float) -> float:
        """Return that of the input."""
        return inner

    def output_shape(self, shape: Shape) -> Shape:
        """Return ``(channels,)``."""
        if len(shape) not in (2, 3):
            raise ShapeError(
                f"global_avg_pool takes [channels, length] or [channels, height, width], got {list(shape)}"
            )
        return (shape[0],)

    def forward(self, kernel: Kernel, ctx: Context) -> tuple[Kernel, Pullback]:
        """Average over one window as large as the map."""
        del ctx
        rows, cols = kernel.rows.size, kernel.cols.size
        return average(kernel, Window.of((rows, cols), 1, 0))

    def by_sample(self, kernel: Kernel, ctx: Context) -> tuple[Kernel, Pullback]:
        """Average over all positions of a sample."""
        del ctx
        return pooled(kernel, kernel.cols.size, averaged=float(kernel.cols.size))

    def torch(self, shape: Shape, init: Init) -> nn.Module:
        """Build an adaptive pool to one position, and drop the position."""
        del init
        from torch import nn

        return nn.Sequential((nn.AdaptiveAvgPool2d if len(shape) == 3 else nn.AdaptiveAvgPool1d)(1), nn.Flatten())
