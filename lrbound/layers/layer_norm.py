"""``layer_norm``: gamma (z - mean)/sqrt(var + eps) + beta, over channels and positions of each sample."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from lrbound.fields import choice
from lrbound.layers._normaliser import Affine
from lrbound.meanfield.contract import Context, Pullback, Shape, ShapeError
from lrbound.meanfield.positional import at_each_position
from lrbound.meanfield.statistics import Statistics

if TYPE_CHECKING:
    from torch import nn

    from lrbound.meanfield.kernel import Kernel


@dataclass(frozen=True)
class LayerNorm(Affine):
    """Layer normalisation (Ba, Kiros and Hinton 2016), with gamma and beta per channel; by position as ConvNeXt has it.

    Two samples keep their correlation q_xy/q, so that all layers stay coherent and the batch size hardly matters
    (lrbound/theory/mean-field.md, section 8).
    """

    main: ClassVar[str | None] = "gamma"
    year: ClassVar[int] = 2016
    why: ClassVar[str] = (
        "two samples keep their correlation, so every layer stays coherent; the batch size counts through noise alone"
    )

    axes: str = choice("what mean and variance of a sample are taken over, on images", ("all", "channels"), "all")

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape of the input."""
        if math.prod(shape) <= 2 or (self._at_each_position and shape[0] <= 2):
            raise ShapeError(f"layer_norm needs at least 3 values at a time, got {list(shape)}")
        return shape

    @property
    def _at_each_position(self) -> bool:
        return self.axes == "channels"

    def statistics(self, channels: int, samples: float) -> Statistics:
        """Say what mean and variance are taken over."""
        return Statistics(self.kind, channels, samples, every_position=self._at_each_position)

    def forward(self, kernel: Kernel, ctx: Context) -> tuple[Kernel, Pullback]:
        """Centre and scale the kernel; the pullback removes what the statistics absorb."""
        if not self._at_each_position or kernel.positions == 1:
            return super().forward(kernel, ctx)
        statistics = self.statistics(kernel.channels, ctx.samples)
        return at_each_position(
            kernel, ctx, statistics, eps=self.eps, gamma=self.gamma, beta=self.beta, learnable=self.learnable
        )

    def module(self, shape: Shape) -> nn.Module:
        """Build torch.nn.LayerNorm, or on images torch.nn.GroupNorm with one group: gamma and beta are per channel.

        Over the channels alone it is :class:`lrbound.normalizers.ChannelNorm`.
        """
        from torch import nn

        flat = len(shape) == 1
        if self._at_each_position and not flat:
            from lrbound.normalizers import ChannelNorm

            return ChannelNorm(shape[0], eps=self.eps)
        return nn.LayerNorm(shape[0], eps=self.eps) if flat else nn.GroupNorm(1, shape[0], eps=self.eps)
