"""``group_norm``: gamma (z - mean)/sqrt(var + eps) + beta, over the channels of a group and positions of each sample."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

from lrbound.fields import integer
from lrbound.layers._normaliser import Affine, default_groups
from lrbound.meanfield.contract import Shape, ShapeError
from lrbound.meanfield.statistics import Statistics

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn


@dataclass(frozen=True)
class GroupNorm(Affine):
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

    def statistics(self, channels: int, samples: float) -> Statistics:
        """Say what mean and variance are taken over."""
        return Statistics(self.kind, channels // self.groups, samples)

    def module(self, shape: Shape) -> nn.Module:
        """Build torch.nn.GroupNorm."""
        from torch import nn

        return nn.GroupNorm(self.groups, shape[0], eps=self.eps)
