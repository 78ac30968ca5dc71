"""``hardsigmoid``: phi(u) = min(max(u + 3, 0), 6)/6.

Sigmoid with straight pieces: Howard et al. 2019, Searching for MobileNetV3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from lrbound.activations.base import Activation
from lrbound.meanfield.gaussian import Kink

if TYPE_CHECKING:
    from torch import nn

    from lrbound.init import Init
    from lrbound.meanfield.contract import Shape
    from lrbound.meanfield.gaussian import Array


@dataclass(frozen=True)
class Hardsigmoid(Activation):
    """0 below -3, 1 above 3, straight in between."""

    largest: ClassVar[float] = 1.0

    @property
    def kinks(self) -> tuple[Kink, ...]:
        """At -3 and at 3, where the slope goes to 1/6 and back to 0."""
        return (Kink(-3.0, 1.0 / 6.0), Kink(3.0, -1.0 / 6.0))

    def value(self, u: Array) -> Array:
        """Return (u + 3)/6 between -3 and 3, 0 below, 1 above."""
        return np.clip(u + 3.0, 0.0, 6.0) / 6.0

    def slope(self, u: Array) -> Array:
        """Return 1/6 between -3 and 3, 0 elsewhere."""
        return np.where(np.abs(u) < 3.0, 1.0 / 6.0, 0.0)

    def torch(self, shape: Shape, init: Init) -> nn.Module:
        """Build a module with the values of torch.nn.Hardsigmoid, which torch cannot differentiate twice."""
        del shape, init
        from torch import Tensor, nn

        class Hardsigmoid(nn.ReLU6):
            def forward(self, u: Tensor) -> Tensor:
                return super().forward(u + 3.0) / 6.0

        return Hardsigmoid()
