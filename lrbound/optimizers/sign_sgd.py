"""``sign_sgd``: the sign of the gradient, or of its moving mean (Bernstein et al. 2018)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lrbound.fields import number
from lrbound.optimizers._adaptive import AdaptiveOptimizer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch.nn import Parameter
    from torch.optim import Optimizer as TorchOptimizer

    from lrbound.optimizers.base import Array


@dataclass(frozen=True)
class SignSGD(AdaptiveOptimizer):
    """Steps of the rate itself against the sign of mu m + (1 - mu) g; weight decay is decoupled."""

    momentum: float = number("mu of the moving mean", 0.0, ge=0, lt=1)
    weight_decay: float = number("decoupled weight decay: a step shrinks the weights by this times the rate", 0.0, ge=0)

    def to_json(self) -> dict[str, Any]:
        """Return name and momentum."""
        return {"optimizer": self.kind, "momentum": self.momentum}

    def first_step(self, gradient: Array) -> Array:
        """Return 1."""
        return np.ones_like(gradient)

    def torch(self, parameters: Iterable[Parameter], rate: float) -> TorchOptimizer:
        """Build sign-SGD, which is Lion with both betas alike."""
        from lrbound.optimizers import _signs

        return _signs.Lion(parameters, rate, (self.momentum, self.momentum), self.weight_decay)
