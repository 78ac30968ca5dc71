"""``max_pool1d: 2``: the largest value in windows along a signal [channels, length]."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lrbound.fields import flag, integer
from lrbound.layers._pooling import Pooling1d
from lrbound.layers.max_pool2d import MaxPool2d

if TYPE_CHECKING:
    from torch import nn

    from lrbound.init import Init
    from lrbound.meanfield.contract import Shape


@dataclass(frozen=True)
class MaxPool1d(Pooling1d, MaxPool2d):
    """The largest value of maps that are one position wide; the theory is that of max_pool2d."""

    kernel: int = integer("length of the window", le=1024)
    stride: int | None = integer("step between two windows; the window's length if absent", None)
    padding: int = integer("positions added at each end; at most half the window", 0, ge=0)
    ceil_mode: bool = flag("whether a last window may reach beyond the signal", False)

    def torch(self, shape: Shape, init: Init) -> nn.Module:
        """Build torch.nn.MaxPool1d."""
        del shape, init
        from torch import nn

        return nn.MaxPool1d(self.kernel, self.stride, self.padding, ceil_mode=self.ceil_mode)
