"""``avg_pool2d: 2``: averages over windows; padding counts as zeros, as in torch.nn.AvgPool2d."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from lrbound.layers._pooling import Pooling2d
from lrbound.meanfield.pool import average

if TYPE_CHECKING:
    from torch import nn

    from lrbound.init import Init
    from lrbound.meanfield.contract import Context, Pullback, Shape
    from lrbound.meanfield.kernel import Kernel


@dataclass(frozen=True)
class AvgPool2d(Pooling2d):
    """Average pooling, K -> M K M^T. Overlapping windows correlate neighbours (:mod:`lrbound.meanfield.neighbours`)."""

    averages_positions: ClassVar[bool] = True

    def forward(self, kernel: Kernel, ctx: Context) -> tuple[Kernel, Pullback]:
        """Average the kernel over the windows."""
        del ctx
        return average(kernel, self.window)

    def torch(self, shape: Shape, init: Init) -> nn.Module:
        """Build torch.nn.AvgPool2d."""
        del shape, init
        from torch import nn

        return nn.AvgPool2d(self.kernel, self.stride, self.padding)
