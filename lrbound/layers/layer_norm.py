"""``layer_norm``: gamma (z - mean)/sqrt(var + eps) + beta, over channels and positions of each sample."""

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
class LayerNorm(Normaliser):
    """Layer normalisation (Ba, Kiros and Hinton 2016), with gamma and beta per channel.

    Two samples keep their correlation q_xy/q, so that all layers stay coherent and the batch size hardly matters
    (lrbound/theory/mean-field.md, section 8).
    """

    main: ClassVar[str | None] = "gamma"
    year: ClassVar[int] = 2016
    why: ClassVar[str] = (
        "two samples keep their correlation, so every layer stays coherent; the batch size counts through noise alone"
    )

    gamma: float = number("scale at initialisation", 1.0)
    beta: float = number("shift at initialisation", 0.0)
    eps: float = number("added to the variance", 1e-5, ge=0)
    learnable: bool = flag("whether gamma and beta are trained", True)

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape of the input."""
        if math.prod(shape) <= 2:
            raise ShapeError(f"layer_norm needs at least 3 values a sample, got {list(shape)}")
        return shape

    def parameters(self, shape: Shape) -> int:
        """Count gamma and beta of every channel."""
        return 2 * shape[0] if self.learnable else 0

    def statistics(self, channels: int, samples: float) -> Statistics:
        """Say what mean and variance are taken over."""
        return Statistics(self.kind, channels, samples)

    def forward(self, kernel: Kernel, ctx: Context) -> tuple[Kernel, Pullback]:
        """Scale every sample by its own variance; two samples keep their correlation."""
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
        """Build torch.nn.LayerNorm, or on images torch.nn.GroupNorm with one group: gamma and beta are per channel."""
        del init
        from torch import nn

        from lrbound.normalizers import initialised

        flat = len(shape) == 1
        module = nn.LayerNorm(shape[0], eps=self.eps) if flat else nn.GroupNorm(1, shape[0], eps=self.eps)
        return initialised(module, self.gamma, self.beta, learnable=self.learnable)
