"""``prelu``: leaky_relu whose slope below 0 is learnt, one for all channels or one for each (He et al. 2015)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from lrbound.activations.leaky_relu import LeakyRelu
from lrbound.activations.relu import Relu
from lrbound.fields import flag, number
from lrbound.meanfield.gradient import Share

if TYPE_CHECKING:
    from torch import nn

    from lrbound.init import Init
    from lrbound.meanfield.contract import Context, Pullback, Shape
    from lrbound.meanfield.gradient import Gradient
    from lrbound.meanfield.kernel import Kernel


@dataclass(frozen=True)
class Prelu(LeakyRelu):
    """phi(u) = max(u, 0) + a min(u, 0) with trained a.

    The derivative by a channel's slope is the sum over positions of delta min(u, 0), so that the slopes' part of a Fisher value is
    <B, N>, N(a, b) = E min(u, 0) min(v, 0) the kernel of relu(-u). One slope for all channels has the same part: products of
    different channels have a mean of 0.
    """

    main: ClassVar[str | None] = "negative_slope"

    negative_slope: float = number("slope below 0 at initialisation", 0.25)
    per_channel: bool = flag("whether each channel has a slope of its own", False)

    def parameters(self, shape: Shape) -> int:
        """Count the slopes."""
        return shape[0] if self.per_channel else 1

    def forward(self, kernel: Kernel, ctx: Context) -> tuple[Kernel, Pullback]:
        """Map the kernel, with the slopes' part of the Fisher values."""
        out, pull = super().forward(kernel, ctx)
        negative, _ = Relu().forward(replace(kernel, mean=-kernel.mean), ctx)

        def back(gradient: Gradient) -> tuple[Gradient, Share]:
            share = gradient.delta.dot(negative)
            return pull(gradient)[0], Share(np.maximum(share.coherent, 0.0), share.trace)

        return out, back

    def torch(self, shape: Shape, init: Init) -> nn.Module:
        """Build torch.nn.PReLU."""
        del init
        from torch import nn

        return nn.PReLU(shape[0] if self.per_channel else 1, init=self.negative_slope)
