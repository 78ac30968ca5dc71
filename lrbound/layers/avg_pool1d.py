"""``avg_pool1d: 2``: the average in windows along a signal [channels, length]."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lrbound.fields import integer
from lrbound.layers._pooling import Pooling1d
from lrbound.layers.avg_pool2d import AvgPool2d

if TYPE_CHECKING:
    from torch import nn

    from lrbound.init import Init
    from lrbound.meanfield.contract import Shape


@dataclass(frozen=True)
class AvgPool1d(Pooling1d, AvgPool2d):
    """The average of maps that are one position wide; the theory is that of avg_pool2d."""

    kernel: int = integer("length of the window", le=1024)
    stride: int | None = integer("step between two windows; the window's length if absent", None)
    padding: int = integer("positions added at each end; at most half the window", 0, ge=0)

    def torch(self, shape: Shape, init: Init) -> nn.Module:
        """Build torch.nn.AvgPool1d."""
        del shape, init
        from torch import nn

        return nn.AvgPool1d(self.kernel, self.stride or self.kernel, self.padding)
