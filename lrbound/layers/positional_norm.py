"""``positional_norm``: gamma (z - mean)/sqrt(var + eps), over the channels at each position of each sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from lrbound.fields import number
from lrbound.layers._normaliser import Normaliser
from lrbound.meanfield.contract import Context, Pullback, Shape, ShapeError
from lrbound.meanfield.positional import at_each_position
from lrbound.meanfield.statistics import Statistics

if TYPE_CHECKING:
    from torch import nn

    from lrbound.init import Init
    from lrbound.meanfield.kernel import Kernel


@dataclass(frozen=True)
class PositionalNorm(Normaliser):
    """Positional normalisation (Li et al. 2019): layer norm by itself at every position; nothing is learnt."""

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
        statistics = self.statistics(kernel.channels, ctx.samples)
        return at_each_position(kernel, ctx, statistics, eps=self.eps, gamma=self.gamma)

    def torch(self, shape: Shape, init: Init) -> nn.Module:
        """Build :class:`lrbound.normalizers.PositionalNorm`."""
        del shape, init
        from lrbound.normalizers import PositionalNorm

        return PositionalNorm(self.gamma, eps=self.eps)
