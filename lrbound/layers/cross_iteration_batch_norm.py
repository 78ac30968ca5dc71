"""``cross_iteration_batch_norm``: batch norm by the statistics of the last iterations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from lrbound.fields import flag, integer, number
from lrbound.layers._normaliser import Normaliser
from lrbound.layers.batch_norm import BatchNorm
from lrbound.meanfield.statistics import Statistics, normaliser

if TYPE_CHECKING:
    from torch import nn

    from lrbound.init import Init
    from lrbound.layers.base import Context, Pullback, Shape
    from lrbound.meanfield.kernel import Kernel


@dataclass(frozen=True)
class CrossIterationBatchNorm(Normaliser):
    """Cross-iteration batch normalisation (Yao et al. 2020); a window of 1 is batch norm.

    The statistics are those of ``window`` batches, carried over to the current weights by their slope; gradients run
    through the current batch's alone, 1/window of them. The values are those of a full window at a learning rate of 0:
    during burn-in it is batch norm, in training in between (lrbound/theory/mean-field.md, section 8).
    """

    main: ClassVar[str | None] = "window"
    year: ClassVar[int] = 2020
    why: ClassVar[str] = (
        "gradients run through 1/window of the statistics: layers keep (1 - 1/window)^2 of what samples "
        "share, and all of their noise"
    )
    over_batch: ClassVar[bool] = True

    window: int = integer("iterations in the statistics, the current one included", 4)
    gamma: float = number("scale at initialisation", 1.0)
    beta: float = number("shift at initialisation", 0.0)
    eps: float = number("added to the variance", 1e-5, ge=0)
    learnable: bool = flag("whether gamma and beta are trained", True)

    def parameters(self, shape: Shape) -> int:
        """Count gamma and beta of every channel."""
        return 2 * shape[0] if self.learnable else 0

    def statistics(self, channels: int, samples: float) -> Statistics:
        """Say what mean and variance are taken over."""
        del channels
        return Statistics(self.kind, 1, samples, batch=True, window=self.window)

    def forward(self, kernel: Kernel, ctx: Context) -> tuple[Kernel, Pullback]:
        """Centre and scale by the statistics of all batches in the window."""
        if self.window == 1:
            return BatchNorm(gamma=self.gamma, beta=self.beta, eps=self.eps, learnable=self.learnable).forward(
                kernel, ctx
            )
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
        """Build :class:`lrbound.normalizers.CrossIterationBatchNorm`, with an empty window."""
        del init
        from lrbound.normalizers import CrossIterationBatchNorm, initialised

        module = CrossIterationBatchNorm(shape[0], self.window, eps=self.eps)
        return initialised(module, self.gamma, self.beta, learnable=self.learnable)
