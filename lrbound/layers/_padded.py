"""Convolutions with a border that differs from side to side."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional


class PaddedConv2d(nn.Conv2d):
    """torch.nn.Conv2d without padding, on an input that gets its border here: ``border`` is (left, right, top, bottom) in pixels."""

    border: tuple[int, int, int, int] = (0, 0, 0, 0)

    def forward(self, x: Tensor) -> Tensor:
        """Add the border to (batch, channels, height, width), and convolve."""
        mode = "constant" if self.padding_mode == "zeros" else self.padding_mode
        padded = functional.pad(x, self.border, mode=mode)
        return functional.conv2d(padded, self.weight, self.bias, self.stride, 0, self.dilation, self.groups)
