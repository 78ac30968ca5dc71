"""``mse``: mean over outputs and samples of (f - y)^2, as torch.nn.MSELoss computes it."""

from __future__ import annotations

from lrbound.losses.base import Logits, Loss


class MeanSquaredError(Loss):
    """2/C times half_squared_error for C outputs, exactly."""

    def factor(self, logits: Logits) -> float:
        """Return 2/C."""
        return 2.0 / logits.outputs
