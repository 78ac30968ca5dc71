"""``conv2d: {channels: 64, kernel: 3}``: a two-dimensional convolution with random filters."""

from __future__ import annotations

import math
from dataclasses import dataclass
from operator import gt
from typing import TYPE_CHECKING, ClassVar, Literal, cast

from lrbound.fields import Border, Pair, as_written, border, both, choice, flag, initialisation, integer, pair
from lrbound.init import Fans
from lrbound.layers.base import Layer
from lrbound.meanfield.contract import Context, Pullback, Shape, ShapeError
from lrbound.meanfield.position_map import convolution
from lrbound.meanfield.positions import Window
from lrbound.meanfield.single_samples import pooled
from lrbound.meanfield.weights import weight_layer

if TYPE_CHECKING:
    from torch import nn

    from lrbound.init import Init
    from lrbound.meanfield.kernel import Kernel


@dataclass(frozen=True)
class Conv2d(Layer):
    """Convolution: Z(a,b) = sigma_b^2 + sigma_w^2 mean over d of K(s a + d, s b + d).

    fan_in is the input's channels / groups times the filter's area (lrbound/theory/mean-field.md, section 4).
    """

    main: ClassVar[str | None] = "channels"
    has_weights: ClassVar[bool] = True

    channels: int = integer("number of output channels", le=10**8)
    kernel: Pair = pair("side of the filters, or [rows, columns]", le=1024)
    stride: Pair = pair("step between two places of the filter, or [rows, columns]", 1, le=1024)
    padding: Border = border("pixels added on each side, [rows, columns], [[top, bottom], [left, right]], or same")
    padding_mode: str = choice("what the added pixels hold", ("zeros", "circular"), "zeros")
    groups: int = integer("groups of channels that do not mix", 1)
    dilation: Pair = pair("step between two pixels under the filter, or [rows, columns]", 1, le=1024)
    bias: bool = flag("whether there is a bias", True)
    init: Init | None = initialisation("initialisation of this layer; the network's if absent")

    @property
    def window(self) -> Window:
        """The filter's places."""
        mode = cast("Literal['zeros', 'circular']", self.padding_mode)
        return Window.of(self.kernel, self.stride, self.padding, mode, self.dilation)

    @property
    def shifts(self) -> bool:
        """Whether there is a bias."""
        return self.bias

    def output_shape(self, shape: Shape) -> Shape:
        """Return ``(channels, height, width)``."""
        if len(shape) != 3:
            raise ShapeError(f"conv2d takes [channels, height, width], got {list(shape)}")
        return (self.channels, *self._places(shape[0], shape[1:]))

    def _places(self, channels: int, sides: tuple[int, ...]) -> tuple[int, int]:
        """Return the places of the filter on a map with these sides; ShapeError where it does not fit."""
        if channels % self.groups or self.channels % self.groups:
            raise ShapeError(
                f"{self.kind}: 'groups' must divide the {channels} input and {self.channels} output channels, "
                f"got {self.groups}"
            )
        added = [max(along.borders(side)) for along, side in zip(self.window, sides, strict=True)]
        if self.padding_mode == "circular" and any(map(gt, added, sides)):
            raise ShapeError(
                f"{self.kind}: circular padding {as_written(self.padding)} is larger than the image {list(sides)}"
            )
        height, width = self.window.output_sizes(sides)
        if height < 1 or width < 1:
            kernel, padding = as_written(self.kernel), as_written(self.padding)
            raise ShapeError(
                f"{self.kind}: kernel {kernel} with padding {padding} does not fit the image {list(sides)}"
            )
        return height, width

    def parameters(self, shape: Shape) -> int:
        """Count filters and biases."""
        return self.channels * (shape[0] // self.groups * self.window.size + self.bias)

    def gradient_gain(self, shape: Shape, init: Init) -> float:
        """Return sigma_w^2."""
        return (self.init or init).sigma_w2(self.fans(shape[0]))

    def fans(self, channels: int) -> Fans:
        """Return what initialisations divide by for an input of so many channels."""
        area = self.window.size
        return Fans(channels // self.groups * area, self.channels * area, self.channels)

    def by_sample(self, kernel: Kernel, ctx: Context) -> tuple[Kernel, Pullback]:
        """Map the kernel through random filters, borders left out."""
        below, _ = pooled(kernel, math.prod(both(self.stride)), averaged=1.0)
        fan_in, sigma_w2, square, mean = self._scale(kernel.channels, ctx)
        return weight_layer(below, self.channels, fan_in, sigma_w2, square, bias=self.bias, bias_mean=mean)

    def _scale(self, channels: int, ctx: Context) -> tuple[int, float, float, float]:
        """Return fan-in, sigma_w^2, and mean square and mean of the biases, for an input of so many channels."""
        init = self.init or ctx.init
        fans = self.fans(channels)
        square, mean = (init.bias_square(fans.fan_in), init.bias_mean) if self.bias else (0.0, 0.0)
        return fans.fan_in, init.sigma_w2(fans), square, mean

    def forward(self, kernel: Kernel, ctx: Context) -> tuple[Kernel, Pullback]:
        """Map the kernel through random filters."""
        fan_in, sigma_w2, square, mean = self._scale(kernel.channels, ctx)
        window = convolution(kernel, self.window)
        few = None
        if self.groups > 1 and kernel.near is None:
            from lrbound.meanfield.few_inputs import few_inputs

            few = few_inputs(kernel, self.window, self.groups)
        return weight_layer(
            kernel,
            self.channels,
            fan_in,
            sigma_w2,
            square,
            bias=self.bias,
            bias_mean=mean,
            window=window,
            few=few,
            taps=self.window,
        )

    def torch(self, shape: Shape, init: Init) -> nn.Module:
        """Build torch.nn.Conv2d, drawn anew; with a border that differs from side to side one that adds it itself."""
        from torch import nn

        from lrbound.layers._padded import PaddedConv2d

        (top, bottom), (left, right) = (along.borders(side) for along, side in zip(self.window, shape[1:], strict=True))
        even = (top, left) == (bottom, right)
        module = (nn.Conv2d if even else PaddedConv2d)(
            shape[0],
            self.channels,
            self.kernel,
            stride=self.stride,
            padding=(top, left) if even else 0,
            dilation=self.dilation,
            groups=self.groups,
            bias=self.bias,
            padding_mode=self.window.rows.mode,
        )
        if isinstance(module, PaddedConv2d):
            module.border = (left, right, top, bottom)
        (self.init or init).draw(module.weight, module.bias, self.fans(shape[0]))
        return module
