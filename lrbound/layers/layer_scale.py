"""``layer_scale: 1.0e-6``: a learnable factor for each channel, small at the end of a residual branch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from lrbound.fields import flag, number
from lrbound.layers.base import Layer
from lrbound.meanfield.gradient import Gradient, Share

if TYPE_CHECKING:
    from torch import nn

    from lrbound.init import Init
    from lrbound.meanfield.contract import Context, Pullback, Shape
    from lrbound.meanfield.kernel import Kernel


@dataclass(frozen=True)
class LayerScale(Layer):
    """h -> s h with one s a channel (Touvron et al. 2021; ConvNeXt).

    K -> s^2 K forward, B -> s^2 B backward; the factors' part of a Fisher value is <B, K>, of the gradient above and the kernel
    below, since a channel's derivative is the sum over positions of delta h.
    """

    main: ClassVar[str | None] = "value"

    value: float = number("factor at initialisation", 1.0)
    learnable: bool = flag("whether the factors are trained", True)

    def bound(self, inner: float) -> float:
        """Return that of the input, scaled."""
        return abs(self.value) * inner

    def parameters(self, shape: Shape) -> int:
        """Count a factor for each channel."""
        return shape[0] if self.learnable else 0

    def forward(self, kernel: Kernel, ctx: Context) -> tuple[Kernel, Pullback]:
        """Scale the kernel."""
        del ctx
        square = self.value**2
        out = kernel.becomes(
            square * kernel.pair,
            square * kernel.site,
            mean=self.value * kernel.mean,
            gaussian=kernel.gaussian,
            near=None if kernel.near is None else kernel.near.scaled(square),
        )

        def pull(gradient: Gradient) -> tuple[Gradient, Share | None]:
            below = Gradient(gradient.delta.scaled(square))
            if not self.learnable:
                return below, None
            share = gradient.delta.dot(kernel)
            return below, Share(np.maximum(share.coherent, 0.0), share.trace)

        return out, pull

    def torch(self, shape: Shape, init: Init) -> nn.Module:
        """Build :class:`lrbound.blocks.LayerScale`."""
        del init
        from lrbound.blocks import LayerScale as Module

        module = Module(shape[0], self.value)
        module.weight.requires_grad_(self.learnable)
        return module
