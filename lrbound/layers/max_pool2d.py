"""``max_pool2d: 2``: the largest value in square windows; padding never wins, as in torch.nn.MaxPool2d."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from lrbound.fields import integer
from lrbound.layers.base import Layer, ShapeError
from lrbound.meanfield.positions import Window

if TYPE_CHECKING:
    from torch import nn

    from lrbound.init import Init
    from lrbound.layers.base import Context, Pullback, Shape
    from lrbound.meanfield.kernel import Kernel


@dataclass(frozen=True)
class MaxPool2d(Layer):
    """Max pooling; the theory is in :mod:`lrbound.meanfield.max_pool`."""

    main: ClassVar[str | None] = "kernel"

    kernel: int = integer("side of the square window", le=64)
    stride: int | None = integer("step between two windows; the window's side if absent", None)
    padding: int = integer("pixels added on each side, at most half the window", 0, ge=0)

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
            raise ShapeError(f"max_pool2d takes [channels, height, width], got {list(shape)}")
        channels, *sides = shape
        height, width = (self.window.output_size(side) for side in sides)
        if height < 1 or width < 1:
            raise ShapeError(f"max_pool2d: window {self.kernel} does not fit the image {sides}")
        return (channels, height, width)

    def forward(self, kernel: Kernel, ctx: Context) -> tuple[Kernel, Pullback]:
        """Map the kernel to that of the maxima."""
        from lrbound.meanfield.max_pool import maximum

        return maximum(kernel, self.window, ctx)

    def torch(self, shape: Shape, init: Init) -> nn.Module:
        """Build torch.nn.MaxPool2d."""
        del shape, init
        from torch import nn

        return nn.MaxPool2d(self.kernel, self.stride, self.padding)
