"""``positional_norm``: gamma (z - mean)/sqrt(var + eps), over the channels at each position of each sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from lrbound.fields import number
from lrbound.layers._normaliser import Normaliser
from lrbound.meanfield.contract import Context, Pullback, Shape, ShapeError
from lrbound.meanfield.gradient import Gradient
from lrbound.meanfield.kernel import SAME, outer
from lrbound.meanfield.statistics import Statistics, without_mean

if TYPE_CHECKING:
    from torch import nn

    from lrbound.init import Init
    from lrbound.meanfield.kernel import Kernel


@dataclass(frozen=True)
class PositionalNorm(Normaliser):
    """Positional normalisation (Li et al. 2019): layer norm by itself at every position; nothing is learnt.

    What the mean and the variance absorb of a gradient is two of the channels' directions and left out, so that this
    is the leading order in the number of channels.
    """

    main: ClassVar[str | None] = "gamma"
    year: ClassVar[int] = 2019
    why: ClassVar[str] = (
        "layer norm at each position: every layer stays coherent; the batch size counts through noise alone"
    )

    gamma: float = number("scale, fixed", 1.0)
    eps: float = number("added to the variance", 1e-5, ge=0)

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape of the input."""
        if shape[0] <= 2:
            raise ShapeError(f"positional_norm needs at least 3 channels, got {list(shape)}")
        return shape

    def statistics(self, channels: int, samples: float) -> Statistics:
        """Say what mean and variance are taken over."""
        return Statistics(self.kind, channels, samples, every_position=True)

    def forward(self, kernel: Kernel, ctx: Context) -> tuple[Kernel, Pullback]:
        """Scale every position by its own variance."""
        values = without_mean(kernel, ctx, self.statistics(kernel.channels, ctx.samples))
        left = 1.0 - 1.0 / kernel.channels
        inverse = self.gamma / np.sqrt(left * values.on_site[..., SAME, :, :] + self.eps)
        pair_scale, site_scale = outer(inverse)[..., None, :, :, :, :], inverse[..., None, :, :] ** 2
        near = values.near
        out = kernel.becomes(
            left * values.pair * pair_scale,
            left * values.site * site_scale,
            gaussian=kernel.gaussian,
            near=None if near is None else near.of(left * near.values * near.product(inverse)),
        )

        def pull(gradient: Gradient) -> tuple[Gradient, None]:
            return Gradient(gradient.delta.times(pair_scale, np.concatenate([site_scale] * 2, axis=-3))), None

        return out, pull

    def torch(self, shape: Shape, init: Init) -> nn.Module:
        """Build :class:`lrbound.normalizers.PositionalNorm`."""
        del shape, init
        from lrbound.normalizers import PositionalNorm

        return PositionalNorm(self.gamma, eps=self.eps)
