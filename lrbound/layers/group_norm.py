"""``group_norm``: gamma (z - mean)/sqrt(var + eps) + beta, over the channels of a group and positions of each sample."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

from lrbound.fields import flag, integer, number
from lrbound.layers._normaliser import Normaliser, default_groups
from lrbound.layers.base import Context, Pullback, Shape, ShapeError
from lrbound.meanfield.statistics import Statistics, normaliser

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn

    from lrbound.init import Init
    from lrbound.meanfield.kernel import Kernel


@dataclass(frozen=True)
class GroupNorm(Normaliser):
    """Group normalisation (Wu and He 2018): layer norm with one group, instance norm with one channel a group.

    A small group on images has a variance that differs from group to group (small sets of the theory).
    """

    main: ClassVar[str | None] = "groups"
    year: ClassVar[int] = 2018
    why: ClassVar[str] = (
        "between layer norm (one group) and instance norm (one channel a group): coherent, less so in small "
        "groups; the batch size counts through noise alone"
    )

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
            raise ShapeError(f"group_norm: 'groups' must divide the {shape[0]} channels, got {self.groups}")
        if math.prod(shape) // self.groups <= 2:
            raise ShapeError(
                f"group_norm over {math.prod(shape) // self.groups} values a group leaves only their signs; "
                f"'groups' must be smaller, got {self.groups} on {list(shape)}"
            )
        return shape

    def parameters(self, shape: Shape) -> int:
        """Count gamma and beta of every channel."""
        return 2 * shape[0] if self.learnable else 0

    def statistics(self, channels: int, samples: float) -> Statistics:
        """Say what mean and variance are taken over."""
        return Statistics(self.kind, channels // self.groups, samples)

    def forward(self, kernel: Kernel, ctx: Context) -> tuple[Kernel, Pullback]:
        """Scale every group of a sample by its own variance."""
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
        """Build torch.nn.GroupNorm."""
        del init
        from torch import nn

        from lrbound.normalizers import initialised

        module = nn.GroupNorm(self.groups, shape[0], eps=self.eps)
        return initialised(module, self.gamma, self.beta, learnable=self.learnable)
