"""``{smooth_l1: {beta: 1}}``: Huber's loss divided by beta, mean over outputs and samples, as torch.nn.SmoothL1Loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from lrbound.fields import number
from lrbound.losses._huber import HuberLike

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class SmoothL1(HuberLike):
    """1/(C beta) times half_squared_error where all residuals are below beta (Girshick 2015)."""

    torch_names: ClassVar[tuple[str, ...]] = ("SmoothL1Loss", "smooth_l1_loss")

    beta: float = number("residual from which the loss is linear", 1.0, gt=0)

    @property
    def threshold(self) -> float:
        """The residual beta."""
        return self.beta

    @property
    def slope(self) -> float:
        """1/beta."""
        return 1.0 / self.beta

    def torch(self) -> nn.Module:
        """Build torch.nn.SmoothL1Loss."""
        from torch import nn

        return nn.SmoothL1Loss(reduction=self.reduction, beta=self.beta)
