"""``cross_iteration_batch_norm``: batch norm by the statistics of the last iterations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from lrbound.fields import integer
from lrbound.layers._normaliser import Affine
from lrbound.meanfield.statistics import Statistics

if TYPE_CHECKING:
    from torch import nn

    from lrbound.meanfield.contract import Shape


@dataclass(frozen=True)
class CrossIterationBatchNorm(Affine):
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

    def statistics(self, channels: int, samples: float) -> Statistics:
        """Say what mean and variance are taken over."""
        del channels
        return Statistics(self.kind, 1, samples, batch=True, window=self.window)

    def module(self, shape: Shape) -> nn.Module:
        """Build :class:`lrbound.normalizers.CrossIterationBatchNorm`, with an empty window."""
        from lrbound.normalizers import CrossIterationBatchNorm

        return CrossIterationBatchNorm(shape[0], self.window, eps=self.eps)
