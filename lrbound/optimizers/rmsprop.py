"""``rmsprop``: as torch.optim.RMSprop does it, whose mean square starts at 0 without a correction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from lrbound.fields import flag, number
from lrbound.optimizers._adaptive import AdaptiveOptimizer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch.nn import Parameter
    from torch.optim import Optimizer as TorchOptimizer

    from lrbound.optimizers.base import Array


@dataclass(frozen=True)
class RMSprop(AdaptiveOptimizer):
    """The gradient over the root of a moving mean of its square (Hinton 2012).

    The first mean square is (1 - alpha) g^2, so that the first step is 1/sqrt(1 - alpha) times as long as later ones, 10 times at
    alpha = 0.99; centred it is alpha (1 - alpha) g^2.
    """

    torch_class: ClassVar[str] = "RMSprop"

    alpha: float = number("decay of the moving mean of squares", 0.99, ge=0, lt=1)
    eps: float = number("added to the root of the mean square", 1e-8, ge=0)
    weight_decay: float = number("coupled weight decay, added to the gradient", 0.0, ge=0)
    momentum: float = number("mu of the heavy ball", 0.0, ge=0, lt=1)
    centered: bool = flag("whether the square of the mean is subtracted from the mean square", False)

    def first_step(self, gradient: Array) -> Array:
        """Return |g|/(sqrt(v) + eps) with v the first mean square."""
        variance = 1.0 - self.alpha
        if self.centered:
            variance *= self.alpha
        return np.asarray(gradient / np.maximum(np.sqrt(variance) * gradient + self.eps, np.finfo(np.float64).tiny))

    def torch(self, parameters: Iterable[Parameter], rate: float) -> TorchOptimizer:
        """Build torch.optim.RMSprop."""
        from torch import optim

        return optim.RMSprop(
            parameters,
            lr=rate,
            alpha=self.alpha,
            eps=self.eps,
            weight_decay=self.weight_decay,
            momentum=self.momentum,
            centered=self.centered,
        )
