"""``{huber: {delta: 1}}``: (f - y)^2/2 up to delta and linear above, mean over outputs and samples, as torch.nn.HuberLoss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from lrbound.fields import number
from lrbound.losses._huber import HuberLike

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Huber(HuberLike):
    """1/C times half_squared_error where all residuals are below delta (Huber 1964)."""

    torch_names: ClassVar[tuple[str, ...]] = ("HuberLoss", "huber_loss")

    delta: float = number("residual from which the loss is linear", 1.0, gt=0)

    @property
    def threshold(self) -> float:
        """The residual delta."""
        return self.delta

    @property
    def slope(self) -> float:
        """1."""
        return 1.0

    def torch(self) -> nn.Module:
        """Build torch.nn.HuberLoss."""
        from torch import nn

        return nn.HuberLoss(reduction=self.reduction, delta=self.delta)
