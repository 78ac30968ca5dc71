"""``conv1d: {channels: 64, kernel: 3}``: a convolution along a signal [channels, length]."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, cast

from lrbound.fields import choice, flag, initialisation, integer, side_border
from lrbound.layers.conv2d import Conv2d
from lrbound.meanfield.contract import Shape, ShapeError
from lrbound.meanfield.positions import Window

if TYPE_CHECKING:
    from torch import nn

    from lrbound.fields import Border
    from lrbound.init import Init


@dataclass(frozen=True)
class Conv1d(Conv2d):
    """A convolution of maps that are one position wide; the theory is that of conv2d (lrbound/theory/mean-field.md, section 4)."""

    main: ClassVar[str | None] = "channels"

    channels: int = integer("number of output channels", le=10**8)
    kernel: int = integer("length of the filters", le=1024)
    stride: int = integer("step between two places of the filter", 1, le=1024)
    padding: int | Literal["same"] = side_border("positions added at each end, or same", 0)
    padding_mode: str = choice("what the added positions hold", ("zeros", "circular"), "zeros")
    groups: int = integer("groups of channels that do not mix", 1)
    dilation: int = integer("step between two positions under the filter", 1, le=1024)
    bias: bool = flag("whether there is a bias", True)
    init: Init | None = initialisation("initialisation of this layer; the network's if absent")

    @property
    def window(self) -> Window:
        """The filter's places."""
        mode = cast("Literal['zeros', 'circular']", self.padding_mode)
        padding: Border = "same" if self.padding == "same" else (self.padding, 0)
        return Window.of((self.kernel, 1), (self.stride, 1), padding, mode, (self.dilation, 1))

    def output_shape(self, shape: Shape) -> Shape:
        """Return ``(channels, length)``."""
        if len(shape) != 2:
            raise ShapeError(f"conv1d takes [channels, length], got {list(shape)}")
        return (self.channels, self._places(shape[0], (shape[1], 1))[0])

    def torch(self, shape: Shape, init: Init) -> nn.Module:
        """Build torch.nn.Conv1d, drawn anew, behind torch.nn.ZeroPad1d where the two ends have unlike borders."""
        from torch import nn

        before, after = self.window.rows.borders(shape[1])
        module = nn.Conv1d(
            shape[0],
            self.channels,
            self.kernel,
            stride=self.stride,
            padding=before if before == after else 0,
            dilation=self.dilation,
            groups=self.groups,
            bias=self.bias,
            padding_mode=self.window.rows.mode,
        )
        (self.init or init).draw(module.weight, module.bias, self.fans(shape[0]))
        if before == after:
            return module
        ends = nn.ZeroPad1d if self.padding_mode == "zeros" else nn.CircularPad1d
        return nn.Sequential(ends((before, after)), module)
