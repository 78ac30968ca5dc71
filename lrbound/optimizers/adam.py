"""``adam``: as torch.optim.Adam does it, with coupled weight decay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from lrbound.fields import number
from lrbound.optimizers._adam import AdamFamily

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch.nn import Parameter
    from torch.optim import Optimizer as TorchOptimizer


@dataclass(frozen=True)
class Adam(AdamFamily):
    """Adam with weight decay added to the gradient; the first step leaves it out, which is right where it is small beside that."""

    torch_class: ClassVar[str] = "Adam"

    weight_decay: float = number("coupled weight decay, added to the gradient", 0.0, ge=0)

    def torch(self, parameters: Iterable[Parameter], rate: float) -> TorchOptimizer:
        """Build torch.optim.Adam."""
        from torch import optim

        return optim.Adam(
            parameters, lr=rate, betas=self.betas, eps=self.eps, weight_decay=self.weight_decay, amsgrad=self.amsgrad
        )
