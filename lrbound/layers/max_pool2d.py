"""``max_pool2d: 2``: the largest value in windows; padding never wins, as in torch.nn.MaxPool2d."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from lrbound.fields import flag
from lrbound.layers._pooling import Pooling2d
from lrbound.notices import Notice

if TYPE_CHECKING:
    from torch import nn

    from lrbound.init import Init
    from lrbound.meanfield.contract import Context, Pullback, Shape
    from lrbound.meanfield.kernel import Kernel

FEW_PLACES = 9
"""Of windows that overlap, up to which networks were measured to be off."""


@dataclass(frozen=True)
class MaxPool2d(Pooling2d):
    """Max pooling; the theory is in :mod:`lrbound.meanfield.max_pool`."""

    selects_positions: ClassVar[bool] = True

    ceil_mode: bool = flag("whether a last window may reach beyond the image", False)

    def forward(self, kernel: Kernel, ctx: Context) -> tuple[Kernel, Pullback]:
        """Map the kernel to that of the maxima."""
        self._doubt(kernel, ctx)
        if kernel.parts:
            from lrbound.meanfield.max_pool_parts import maximum_of_parts

            return maximum_of_parts(kernel, self.window)
        from lrbound.meanfield.max_pool import maximum

        return maximum(kernel, self.window)

    def _doubt(self, kernel: Kernel, ctx: Context) -> None:
        """Warn of overlapping windows that leave a few positions, or stand above an activation other than relu."""
        places = math.prod(self.window.output_sizes((kernel.rows.size, kernel.cols.size)))
        if all(along.stride >= along.kernel for along in self.window) or kernel.positions == 1:
            return
        if kernel.law is None and kernel.under is not None:
            text = f"overlapping max pools above {kernel.under[1].kind}: measured 30 % below to 2.3 times lambda_max"
            ctx.warn(Notice("LRB047", text))
        elif places <= FEW_PLACES:
            ctx.warn(
                Notice(
                    "LRB047",
                    f"overlapping max pools that leave {places} positions: measured up to 45 % above lambda_max",
                )
            )

    def torch(self, shape: Shape, init: Init) -> nn.Module:
        """Build torch.nn.MaxPool2d."""
        del shape, init
        from torch import nn

        return nn.MaxPool2d(self.kernel, self.stride, self.padding, ceil_mode=self.ceil_mode)
