"""``flatten``: an image becomes flat features."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from lrbound.layers.base import Layer
from lrbound.meanfield.contract import Context, NotBySample, Pullback, Shape
from lrbound.meanfield.gradient import Gradient, Sums
from lrbound.meanfield.kernel import embed, flat

if TYPE_CHECKING:
    from torch import nn

    from lrbound.init import Init
    from lrbound.meanfield.contract import Context, Pullback, Shape
    from lrbound.meanfield.kernel import Kernel


@dataclass(frozen=True)
class Flatten(Layer):
    """All positions become features: K = mean over a of K(a, a), back evenly onto the diagonal."""

    averages_positions: ClassVar[bool] = True
    positions_to_units: ClassVar[bool] = True

    def output_shape(self, shape: Shape) -> Shape:
        """Return ``(channels * height * width,)``."""
        return (math.prod(shape),)

    def forward(self, kernel: Kernel, ctx: Context) -> tuple[Kernel, Pullback]:
        """Average over the positions."""
        del ctx
        share = kernel.weights / kernel.positions
        average = (kernel.on_site * share).sum(axis=(-2, -1))
        out = flat(kernel.channels * kernel.positions, average[..., 0], average[..., 1])

        def pull(gradient: Gradient) -> tuple[Gradient, None]:
            site = gradient.delta.site * share
            return Gradient(Sums(embed(site), site)), None

        return out, pull

    def by_sample(self, kernel: Kernel, ctx: Context) -> tuple[Kernel, Pullback]:
        """Keep a single position; with several, gradients that tell positions apart meet samples that do."""
        del ctx
        if kernel.positions > 1:
            raise NotBySample
        return kernel, lambda gradient: (gradient, None)

    def torch(self, shape: Shape, init: Init) -> nn.Module:
        """Build torch.nn.Flatten."""
        del shape, init
        from torch import nn

        return nn.Flatten()
