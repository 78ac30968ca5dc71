"""``mse``: mean over outputs and samples of (f - y)^2, as torch.nn.MSELoss computes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrbound.losses.base import Logits, Loss

if TYPE_CHECKING:
    from torch import nn


class MeanSquaredError(Loss):
    """2/C times half_squared_error for C outputs, exactly."""

    def factor(self, logits: Logits) -> float:
        """Return 2/C."""
        return 2.0 / logits.outputs

    def torch(self) -> nn.Module:
        """Build torch.nn.MSELoss."""
        from torch import nn

        return nn.MSELoss()
