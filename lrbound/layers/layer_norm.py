"""``layer_norm``: gamma (z - mean)/sqrt(var + eps) + beta, over channels and positions of each sample."""

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
class LayerNorm(Affine):
    """Layer normalisation (Ba, Kiros and Hinton 2016), with gamma and beta per channel.

    Two samples keep their correlation q_xy/q, so that all layers stay coherent and the batch size hardly matters
    (lrbound/theory/mean-field.md, section 8).
    """

    main: ClassVar[str | None] = "gamma"
    year: ClassVar[int] = 2016
    why: ClassVar[str] = (
        "two samples keep their correlation, so every layer stays coherent; the batch size counts through noise alone"
    )

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape of the input."""
        if math.prod(shape) <= 2:
            raise ShapeError(f"layer_norm needs at least 3 values a sample, got {list(shape)}")
        return shape

    def statistics(self, channels: int, samples: float) -> Statistics:
        """Say what mean and variance are taken over."""
        return Statistics(self.kind, channels, samples)

    def module(self, shape: Shape) -> nn.Module:
        """Build torch.nn.LayerNorm, or on images torch.nn.GroupNorm with one group: gamma and beta are per channel."""
        from torch import nn

        flat = len(shape) == 1
        return nn.LayerNorm(shape[0], eps=self.eps) if flat else nn.GroupNorm(1, shape[0], eps=self.eps)
