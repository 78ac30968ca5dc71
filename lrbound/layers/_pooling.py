"""What pools have in common: square windows that slide over a map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from lrbound.fields import integer
from lrbound.layers.base import Layer, ShapeError
from lrbound.meanfield.positions import Window
from lrbound.meanfield.single_samples import pooled

if TYPE_CHECKING:
    from lrbound.layers.base import Context, Pullback, Shape
    from lrbound.meanfield.kernel import Kernel


@dataclass(frozen=True)
class Pooling2d(Layer):
    """A layer that makes one value of each window, channel by channel."""

    main: ClassVar[str | None] = "kernel"

    kernel: int = integer("side of the square window", le=1024)
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

    def by_sample(self, kernel: Kernel, ctx: Context) -> tuple[Kernel, Pullback]:
        """Average over windows side by side, the maximum too: what all positions of a sample have in common passes."""
        del ctx
        return pooled(kernel, self.window.stride**2, averaged=float(self.kernel**2))

    def output_shape(self, shape: Shape) -> Shape:
        """Return ``(channels, height, width)`` after pooling."""
        if len(shape) != 3:
            raise ShapeError(f"{self.kind} takes [channels, height, width], got {list(shape)}")
        channels, *sides = shape
        height, width = (self.window.output_size(side) for side in sides)
        if height < 1 or width < 1:
            raise ShapeError(f"{self.kind}: window {self.kernel} does not fit the image {sides}")
        return (channels, height, width)
