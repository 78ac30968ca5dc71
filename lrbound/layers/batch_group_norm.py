"""``batch_group_norm``: batch norm whose statistics also run over the channels of a group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

from lrbound.fields import flag, integer, number
from lrbound.layers._normaliser import Normaliser, default_groups
from lrbound.layers.base import Context, Pullback, Shape, ShapeError
from lrbound.layers.batch_norm import BatchNorm
from lrbound.meanfield.statistics import Statistics, normaliser

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn

    from lrbound.init import Init
    from lrbound.meanfield.kernel import Kernel


@dataclass(frozen=True)
class BatchGroupNorm(Normaliser):
    """Batch group normalisation (Zhou et al. 2020): gamma (z - mean)/sqrt(var + eps) + beta per group.

    With one channel a group it is batch norm. Larger groups keep a mean of their own for every channel, so that the
    layers underneath stay coherent, damped by about 1 - 1/S for S channels a group (lrbound/theory/mean-field.md,
    section 8).
    """

    main: ClassVar[str | None] = "groups"
    year: ClassVar[int] = 2020
    why: ClassVar[str] = (
        "each channel keeps a mean of its own: with S channels a group, layers stay coherent up to 1 - 1/S; "
        "their noise counts"
    )
    over_batch: ClassVar[bool] = True

    groups: int = integer("sets that the channels fall into")
    gamma: float = number("scale at initialisation", 1.0)
    beta: float = number("shift at initialisation", 0.0)
    eps: float = number("added to the variance", 1e-5, ge=0)
    learnable: bool = flag("whether gamma and beta are trained", True)

    @classmethod
    def fitting(cls, shape: Shape, given: Mapping[str, Any]) -> Self:
        """Return the normaliser for values of ``shape``, with a number of groups that divides them if none is given."""
        return cls(**{"groups": default_groups(shape), **given})

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape of the input."""
        if shape[0] % self.groups:
            raise ShapeError(f"batch_group_norm: 'groups' must divide the {shape[0]} channels, got {self.groups}")
        return shape

    def parameters(self, shape: Shape) -> int:
        """Count gamma and beta of every channel."""
        return 2 * shape[0] if self.learnable else 0

    def statistics(self, channels: int, samples: float) -> Statistics:
        """Say what mean and variance are taken over."""
        return Statistics(self.kind, channels // self.groups, samples, batch=True)

    def forward(self, kernel: Kernel, ctx: Context) -> tuple[Kernel, Pullback]:
        """Centre and scale every group of channels by its batch statistics."""
        channels = kernel.channels // self.groups
        if channels == 1:
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
        """Build :class:`lrbound.normalizers.BatchGroupNorm`."""
        del init
        from lrbound.normalizers import BatchGroupNorm, initialised

        module = BatchGroupNorm(self.groups, shape[0], eps=self.eps)
        return initialised(module, self.gamma, self.beta, learnable=self.learnable)
