"""``batch_group_norm``: batch norm whose statistics also run over the channels of a group."""

from __future__ import annotations

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
class BatchGroupNorm(Affine):
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

    @classmethod
    def fitting(cls, shape: Shape, given: Mapping[str, Any]) -> Self:
        """Return the normaliser for values of ``shape``, with a number of groups that divides them if none is given."""
        return cls(**{"groups": default_groups(shape), **given})

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape of the input."""
        if shape[0] % self.groups:
            raise ShapeError(f"batch_group_norm: 'groups' must divide the {shape[0]} channels, got {self.groups}")
        return shape

    def statistics(self, channels: int, samples: float) -> Statistics:
        """Say what mean and variance are taken over."""
        return Statistics(self.kind, channels // self.groups, samples, batch=True)

    def module(self, shape: Shape) -> nn.Module:
        """Build :class:`lrbound.normalizers.BatchGroupNorm`."""
        from lrbound.normalizers import BatchGroupNorm

        return BatchGroupNorm(self.groups, shape[0], eps=self.eps)
