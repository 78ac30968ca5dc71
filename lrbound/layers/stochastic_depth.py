"""``stochastic_depth: 0.1``: at the end of a residual branch, whole samples are zeroed in training, the rest divided by 1 - p."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from lrbound.fields import number
from lrbound.layers.base import Layer
from lrbound.meanfield.gradient import Gradient
from lrbound.meanfield.kernel import diagonal

if TYPE_CHECKING:
    from torch import nn

    from lrbound.init import Init
    from lrbound.meanfield.contract import Context, Pullback, Shape
    from lrbound.meanfield.kernel import Kernel


@dataclass(frozen=True)
class StochasticDepth(Layer):
    """A mask for each sample, the same for all units and positions (Huang et al. 2016; torchvision's mode "row", timm's DropPath).

    E[m^2] = 1/(1-p) in one sample, at any two positions; products of two samples have independent masks of mean 1 and are
    unchanged. The same holds for gradients. What the mask spreads the samples' norms by counts in its mean.
    """

    main: ClassVar[str | None] = "p"

    p: float = number("probability that a sample is zeroed", 0.5, ge=0, lt=1)

    def bound(self, inner: float) -> float:
        """Return that of the samples that are kept."""
        return inner / (1.0 - self.p)

    def forward(self, kernel: Kernel, ctx: Context) -> tuple[Kernel, Pullback]:
        """Scale the moments of one sample by 1/(1-p)."""
        del ctx
        gain = np.array([1.0 / (1.0 - self.p), 1.0])
        pairs, sites = gain.reshape(2, 1, 1, 1, 1), gain.reshape(2, 1, 1)
        near = kernel.near
        pair = kernel.pair * pairs
        site = kernel.on_site * sites - diagonal(pair)
        out = kernel.becomes(
            pair,
            site,
            mean=kernel.mean,
            gaussian=kernel.gaussian,
            near=None if near is None else near.of(near.values * sites),
        )

        def pull(gradient: Gradient) -> tuple[Gradient, None]:
            return Gradient(gradient.delta.times(pairs, sites)), None

        return out, pull

    def torch(self, shape: Shape, init: Init) -> nn.Module:
        """Build :class:`lrbound.blocks.StochasticDepth`."""
        del shape, init
        from lrbound.blocks import StochasticDepth as Module

        return Module(self.p)
