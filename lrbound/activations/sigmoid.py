"""``sigmoid``: phi(u) = 1 / (1 + exp(-u)) = (1 + tanh(u/2)) / 2.

The second form does not overflow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from lrbound.activations.base import Activation

if TYPE_CHECKING:
    from torch import nn

    from lrbound.init import Init
    from lrbound.meanfield.contract import Shape
    from lrbound.meanfield.gaussian import Array


@dataclass(frozen=True)
class Sigmoid(Activation):
    """Logistic function."""

    largest: ClassVar[float] = 1.0

    def value(self, u: Array) -> Array:
        """Return 1 / (1 + exp(-u))."""
        return 0.5 + 0.5 * np.tanh(0.5 * u)

    def slope(self, u: Array) -> Array:
        """Return phi (1 - phi), as cosh(u/2)^-2 / 4."""
        return 0.25 - 0.25 * np.tanh(0.5 * u) ** 2

    def torch(self, shape: Shape, init: Init) -> nn.Module:
        """Build torch.nn.Sigmoid."""
        del shape, init
        from torch import nn

        return nn.Sigmoid()
