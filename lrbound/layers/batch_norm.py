"""``batch_norm``: z' = gamma zhat + beta, zhat = (z - mean)/sqrt(var + eps), per channel over batch and positions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from lrbound.layers._normaliser import Affine
from lrbound.meanfield.statistics import Statistics

if TYPE_CHECKING:
    from torch import nn

    from lrbound.meanfield.contract import Shape


@dataclass(frozen=True)
class BatchNorm(Affine):
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

    def statistics(self, channels: int, samples: float) -> Statistics:
        """Say what mean and variance are taken over."""
        del channels
        return Statistics(self.kind, 1, samples, batch=True)

    def module(self, shape: Shape) -> nn.Module:
        """Build torch.nn.BatchNorm1d or 2d."""
        from torch import nn

        kind = nn.BatchNorm2d if len(shape) == 3 else nn.BatchNorm1d
        return kind(shape[0], eps=self.eps)
