"""``adamw``: Adam with decoupled weight decay, as torch.optim.AdamW does it."""

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
class AdamW(AdamFamily):
    """Adam that shrinks the weights by rate * decay beside its step (Loshchilov and Hutter 2019): nothing in one step."""

    torch_class: ClassVar[str] = "AdamW"
    torch_implied: ClassVar[tuple[str, ...]] = ("decoupled_weight_decay",)

    weight_decay: float = number(
        "decoupled weight decay: a step shrinks the weights by this times the rate", 0.01, ge=0
    )

    def torch(self, parameters: Iterable[Parameter], rate: float) -> TorchOptimizer:
        """Build torch.optim.AdamW."""
        from torch import optim

        return optim.AdamW(
            parameters, lr=rate, betas=self.betas, eps=self.eps, weight_decay=self.weight_decay, amsgrad=self.amsgrad
        )
