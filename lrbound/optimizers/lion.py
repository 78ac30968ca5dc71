"""``lion``: the sign of a moving mean of the gradient (Chen et al. 2023)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lrbound.fields import number, two_numbers
from lrbound.optimizers._adaptive import AdaptiveOptimizer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch.nn import Parameter
    from torch.optim import Optimizer as TorchOptimizer

    from lrbound.optimizers.base import Array


@dataclass(frozen=True)
class Lion(AdaptiveOptimizer):
    """Steps of the rate itself, against the sign of beta_1 m + (1 - beta_1) g; weight decay is decoupled."""

    betas: tuple[float, float] = two_numbers("decay inside the sign, and of the moving mean", (0.9, 0.99), ge=0, lt=1)
    weight_decay: float = number("decoupled weight decay: a step shrinks the weights by this times the rate", 0.0, ge=0)

    def first_step(self, gradient: Array) -> Array:
        """Return 1."""
        return np.ones_like(gradient)

    def torch(self, parameters: Iterable[Parameter], rate: float) -> TorchOptimizer:
        """Build Lion, which torch lacks."""
        from lrbound.optimizers import _signs

        return _signs.Lion(parameters, rate, self.betas, self.weight_decay)
