"""``batch_norm``: z' = gamma zhat + beta, zhat = (z - mean)/sqrt(var + eps), per channel over batch and positions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from lrbound.fields import flag, number
from lrbound.layers._normaliser import Normaliser
from lrbound.meanfield.statistics import Statistics, normaliser

if TYPE_CHECKING:
    from torch import nn

    from lrbound.init import Init
    from lrbound.layers.base import Context, Pullback, Shape
    from lrbound.meanfield.kernel import Kernel


@dataclass(frozen=True)
class BatchNorm(Normaliser):
    """Batch normalisation (Ioffe and Szegedy 2015), as torch.nn.BatchNorm1d and 2d compute it in training.

    The batch variance is q - q_xy, not q as Wei et al. 2019 print it; and training differentiates through the
    statistics (lrbound/theory/mean-field.md, sections 2 to 4).
    """

    main: ClassVar[str | None] = "gamma"
    year: ClassVar[int] = 2015
    why: ClassVar[str] = (
        "what samples share is removed: only layers after the last one stay coherent, and only their noise "
        "counts in small batches"
    )
    fixes_scale: ClassVar[bool] = True
    over_batch: ClassVar[bool] = True

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
        return Statistics(self.kind, 1, samples, batch=True)

    def forward(self, kernel: Kernel, ctx: Context) -> tuple[Kernel, Pullback]:
        """Centre and scale the kernel; the way back removes what the statistics absorb."""
        return normaliser(
            kernel,
            ctx,
            self.statistics(kernel.channels, ctx.samples),
            eps=self.eps,
            gamma=self.gamma,
            beta=self.beta,
            learnable=(self.learnable, self.learnable),
        )

    def torch(self, shape: Shape, init: Init) -> nn.Module:
        """Build torch.nn.BatchNorm1d or 2d."""
        del init
        from torch import nn

        kind = nn.BatchNorm1d if len(shape) == 1 else nn.BatchNorm2d
        module = kind(shape[0], eps=self.eps)
        nn.init.constant_(module.weight, self.gamma)
        nn.init.constant_(module.bias, self.beta)
        for parameter in module.parameters():
            parameter.requires_grad_(self.learnable)
        return module
