"""What pools have in common: windows that slide over a map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from lrbound.fields import Pair, as_written, both, pair
from lrbound.layers.base import Layer
from lrbound.meanfield.contract import ShapeError
from lrbound.meanfield.positions import Window
from lrbound.meanfield.single_samples import pooled

if TYPE_CHECKING:
    from lrbound.meanfield.contract import Context, Pullback, Shape
    from lrbound.meanfield.kernel import Kernel


@dataclass(frozen=True)
class Pooling2d(Layer):
    """A layer that makes one value of each window, channel by channel."""

    main: ClassVar[str | None] = "kernel"

    kernel: Pair = pair("side of the window, or [rows, columns]", le=1024)
    stride: Pair | None = pair("step between two windows, or [rows, columns]; the window's sides if absent", None)
    padding: Pair = pair("pixels added on each side, or [rows, columns]; at most half the window", 0, ge=0)

    @property
    def ceil_mode(self) -> bool:
        """Whether a last window may reach beyond the image."""
        return False

    @property
    def window(self) -> Window:
        """The window's places."""
        stride = self.kernel if self.stride is None else self.stride
        return Window.of(self.kernel, stride, self.padding, ceil=self.ceil_mode)

    def validate(self) -> str | None:
        """Say why the arguments do not fit together, or None."""
        if any(2 * max(along.borders(along.kernel)) > along.kernel for along in self.window):
            got = f"{as_written(self.padding)} and {as_written(self.kernel)}"
            return f"'padding' must be at most half of 'kernel', got {got}"
        return None

    def by_sample(self, kernel: Kernel, ctx: Context) -> tuple[Kernel, Pullback]:
        """Average over windows side by side, the maximum too: what all positions of a sample have in common passes."""
        del ctx
        return pooled(kernel, self.window.rows.stride * self.window.cols.stride, averaged=float(self.window.size))

    def bound(self, inner: float) -> float:
        """Return that of the input."""
        return inner

    def output_shape(self, shape: Shape) -> Shape:
        """Return ``(channels, height, width)`` after pooling."""
        if len(shape) != 3:
            raise ShapeError(f"{self.kind} takes [channels, height, width], got {list(shape)}")
        channels, *sides = shape
        height, width = self.window.output_sizes(sides)
        if height < 1 or width < 1:
            raise ShapeError(f"{self.kind}: window {as_written(self.kernel)} does not fit the image {sides}")
        return (channels, height, width)


@dataclass(frozen=True)
class Pooling1d(Pooling2d):
    """A pool along a signal: windows that are one position wide."""

    @property
    def window(self) -> Window:
        """The window's places."""
        kernel, _ = both(self.kernel)
        stride, _ = both(self.kernel if self.stride is None else self.stride)
        padding, _ = both(self.padding)
        return Window.of((kernel, 1), (stride, 1), (padding, 0), ceil=self.ceil_mode)

    def output_shape(self, shape: Shape) -> Shape:
        """Return ``(channels, length)`` after pooling."""
        if len(shape) != 2:
            raise ShapeError(f"{self.kind} takes [channels, length], got {list(shape)}")
        length, _ = self.window.output_sizes((shape[1], 1))
        if length < 1:
            raise ShapeError(f"{self.kind}: window {as_written(self.kernel)} does not fit the length {shape[1]}")
        return (shape[0], length)
