"""``half_squared_error``: 1/2 sum over outputs of (f - y)^2, mean over samples. The papers' convention."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrbound.losses._squared import SquaredError

if TYPE_CHECKING:
    from torch import Tensor, nn


class HalfSquaredError(SquaredError):
    """The loss whose Gauss-Newton matrix is the Fisher matrix (lrbound/theory/mean-field.md, section 1)."""

    def multiple(self, outputs: int) -> float:
        """Return 1: all other losses are measured against this one."""
        del outputs
        return 1.0

    def torch(self) -> nn.Module:
        """Build a module; torch has none with this normalisation."""
        from torch import nn

        mean = self.reduction == "mean"

        class HalfSquaredErrorLoss(nn.Module):
            def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
                each = 0.5 * (outputs - targets).square().sum(dim=1)
                return each.mean() if mean else each.sum()

        return HalfSquaredErrorLoss()
