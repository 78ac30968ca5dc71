"""``instance_norm``: gamma (z - mean)/sqrt(var + eps) + beta, over the positions of each channel and sample."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from lrbound.fields import flag, number
from lrbound.layers._normaliser import Normaliser
from lrbound.layers.base import Context, Pullback, Shape, ShapeError
from lrbound.meanfield.statistics import Statistics, normaliser

if TYPE_CHECKING:
    from torch import nn

    from lrbound.init import Init
    from lrbound.meanfield.kernel import Kernel


@dataclass(frozen=True)
class InstanceNorm(Normaliser):
    """Instance normalisation (Ulyanov, Vedaldi and Lempitsky 2016): batch norm with the positions as the batch.

    Undefined on flat features.
    """

    main: ClassVar[str | None] = "gamma"
    year: ClassVar[int] = 2016
    why: ClassVar[str] = (
        "batch norm with the positions as the batch: little stays coherent below it, but the noise of every "
        "layer counts"
    )

    gamma: float = number("scale at initialisation", 1.0)
    beta: float = number("shift at initialisation", 0.0)
    eps: float = number("added to the variance", 1e-5, ge=0)
    learnable: bool = flag("whether gamma and beta are trained", True)

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape of the input."""
        if math.prod(shape[1:]) == 1:
            raise ShapeError(
                f"instance_norm needs several positions, as [channels, height, width]; got {list(shape)}, where it "
                "would give 0"
            )
        return shape

    def parameters(self, shape: Shape) -> int:
        """Count gamma and beta of every channel."""
        return 2 * shape[0] if self.learnable else 0

    def statistics(self, channels: int, samples: float) -> Statistics:
        """Say what mean and variance are taken over."""
        del channels
        return Statistics(self.kind, 1, samples)

    def forward(self, kernel: Kernel, ctx: Context) -> tuple[Kernel, Pullback]:
        """Centre and scale every channel of a sample over its positions."""
        statistics = self.statistics(kernel.channels, ctx.samples)
        return normaliser(
            kernel,
            ctx,
            statistics,
            eps=self.eps,
            gamma=self.gamma,
            beta=self.beta,
            learnable=(self.learnable, self.learnable),
        )

    def torch(self, shape: Shape, init: Init) -> nn.Module:
        """Build torch.nn.InstanceNorm2d."""
        del init
        from torch import nn

        from lrbound.normalizers import initialised

        module = nn.InstanceNorm2d(shape[0], eps=self.eps, affine=True)
        return initialised(module, self.gamma, self.beta, learnable=self.learnable)
