"""``avg_pool2d: 2``: averages over square windows; padding counts as zeros, as in torch.nn.AvgPool2d."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lrbound.errors import Refused
from lrbound.layers._pooling import Pooling2d
from lrbound.meanfield.pool import average

if TYPE_CHECKING:
    from torch import nn

    from lrbound.init import Init
    from lrbound.layers.base import Context, Pullback, Shape
    from lrbound.meanfield.kernel import Kernel

LARGEST_OVERLAPPED = 64
"""Side of the largest output of overlapping windows: its position pairs are kept one by one, 64^4 numbers."""


@dataclass(frozen=True)
class AvgPool2d(Pooling2d):
    """Average pooling, K -> M K M^T."""

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
