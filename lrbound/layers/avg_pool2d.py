"""``avg_pool2d: 2``: averages over square windows; padding counts as zeros, as in torch.nn.AvgPool2d."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from lrbound.errors import Refused
from lrbound.fields import integer
from lrbound.layers.base import Context, Layer, Pullback, Shape, ShapeError
from lrbound.meanfield.pool import average
from lrbound.meanfield.positions import Window

if TYPE_CHECKING:
    from torch import nn

    from lrbound.init import Init
    from lrbound.meanfield.kernel import Kernel

LARGEST_OVERLAPPED = 64
"""Side of the largest output of overlapping windows: its position pairs are kept one by one, 64^4 numbers."""


@dataclass(frozen=True)
class AvgPool2d(Layer):
    """Average pooling, K -> M K M^T."""

    main: ClassVar[str | None] = "kernel"

    kernel: int = integer("side of the square window", le=8192)
    stride: int | None = integer("step between two windows; the window's side if absent", None)
    padding: int = integer("pixels of zeros added on each side, at most half the window", 0, ge=0)

    @property
    def window(self) -> Window:
        """The window's places along one axis."""
        return Window(self.kernel, self.stride or self.kernel, self.padding)

    def validate(self) -> str | None:
        """Say why the arguments do not fit together, or None."""
        if 2 * self.padding > self.kernel:
            return f"'padding' must be at most half of 'kernel', got {self.padding} and {self.kernel}"
        return None

    def output_shape(self, shape: Shape) -> Shape:
        """Return ``(channels, height, width)`` after pooling."""
        if len(shape) != 3:
            raise ShapeError(f"avg_pool2d takes [channels, height, width], got {list(shape)}")
        channels, *sides = shape
        height, width = (self.window.output_size(side) for side in sides)
        if height < 1 or width < 1:
            raise ShapeError(f"avg_pool2d: window {self.kernel} does not fit the image {sides}")
        return (channels, height, width)

    def forward(self, kernel: Kernel, ctx: Context) -> tuple[Kernel, Pullback]:
        """Average the kernel over the windows."""
        del ctx
        window = self.window
        side = max(window.output_size(kernel.rows.size), window.output_size(kernel.cols.size))
        if window.stride < window.kernel and side > LARGEST_OVERLAPPED:
            raise Refused(
                f"avg_pool2d with overlapping windows is predicted up to {LARGEST_OVERLAPPED} places a side, "
                f"got {side}; use a stride of at least the kernel {self.kernel}"
            )
        return average(kernel, (window, window))

    def torch(self, shape: Shape, init: Init) -> nn.Module:
        """Build torch.nn.AvgPool2d."""
        del shape, init
        from torch import nn

        return nn.AvgPool2d(self.kernel, self.stride, self.padding)
