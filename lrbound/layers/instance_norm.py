"""``instance_norm``: gamma (z - mean)/sqrt(var + eps) + beta, over the positions of each channel and sample."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from lrbound.layers._normaliser import Affine
from lrbound.meanfield.contract import Shape, ShapeError
from lrbound.meanfield.statistics import Statistics

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class InstanceNorm(Affine):
    """Instance normalisation (Ulyanov, Vedaldi and Lempitsky 2016): batch norm with the positions as the batch.

    Undefined on flat features.
    """

    main: ClassVar[str | None] = "gamma"
    year: ClassVar[int] = 2016
    why: ClassVar[str] = (
        "batch norm with the positions as the batch: little stays coherent below it, but the noise of every "
        "layer counts"
    )

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape of the input."""
        if math.prod(shape[1:]) == 1:
            raise ShapeError(
                f"instance_norm needs several positions, as [channels, height, width]; got {list(shape)}, where it "
                "would give 0"
            )
        return shape

    def statistics(self, channels: int, samples: float) -> Statistics:
        """Say what mean and variance are taken over."""
        del channels
        return Statistics(self.kind, 1, samples)

    def module(self, shape: Shape) -> nn.Module:
        """Build torch.nn.InstanceNorm2d, or InstanceNorm1d on signals."""
        from torch import nn

        kind = nn.InstanceNorm2d if len(shape) == 3 else nn.InstanceNorm1d
        return kind(shape[0], eps=self.eps, affine=True)
