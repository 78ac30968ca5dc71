"""``max_pool2d: 2``: the largest value in windows; padding never wins, as in torch.nn.MaxPool2d."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from lrbound.fields import flag
from lrbound.layers._pooling import Pooling2d

if TYPE_CHECKING:
    from torch import nn

    from lrbound.init import Init
    from lrbound.meanfield.contract import Context, Pullback, Shape
    from lrbound.meanfield.kernel import Kernel


@dataclass(frozen=True)
class MaxPool2d(Pooling2d):
    """Max pooling; the theory is in :mod:`lrbound.meanfield.max_pool`."""

    selects_positions: ClassVar[bool] = True

    ceil_mode: bool = flag("whether a last window may reach beyond the image", False)

    def forward(self, kernel: Kernel, ctx: Context) -> tuple[Kernel, Pullback]:
        """Map the kernel to that of the maxima."""
        del ctx
        if kernel.parts:
            from lrbound.meanfield.max_pool_parts import maximum_of_parts

            return maximum_of_parts(kernel, self.window)
        from lrbound.meanfield.max_pool import maximum

        return maximum(kernel, self.window)

    def torch(self, shape: Shape, init: Init) -> nn.Module:
        """Build torch.nn.MaxPool2d."""
        del shape, init
        from torch import nn

        return nn.MaxPool2d(self.kernel, self.stride, self.padding, ceil_mode=self.ceil_mode)
