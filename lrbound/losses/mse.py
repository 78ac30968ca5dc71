"""``mse``: mean over outputs and samples of (f - y)^2, as torch.nn.MSELoss computes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from lrbound.losses._squared import SquaredError

if TYPE_CHECKING:
    from torch import nn


class MeanSquaredError(SquaredError):
    """2/C times half_squared_error for C outputs, exactly."""

    averages_outputs: ClassVar[bool] = True
    torch_names: ClassVar[tuple[str, ...]] = ("MSELoss", "mse_loss")

    def multiple(self, outputs: int) -> float:
        """Return 2/C."""
        return 2.0 / outputs

    def torch(self) -> nn.Module:
        """Build torch.nn.MSELoss."""
        from torch import nn

        return nn.MSELoss(reduction=self.reduction)
