"""``celu``: phi(u) = u above 0, alpha (exp(u/alpha) - 1) below.

Elu whose slope is continuous for every alpha (Barron 2017, Continuously differentiable exponential linear units).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from lrbound.activations.base import Activation
from lrbound.fields import number

if TYPE_CHECKING:
    from torch import nn

    from lrbound.init import Init
    from lrbound.meanfield.contract import Shape
    from lrbound.meanfield.gaussian import Array


@dataclass(frozen=True)
class Celu(Activation):
    """Continuously differentiable exponential linear unit; with alpha = 1 it is elu."""

    main: ClassVar[str | None] = "alpha"

    alpha: float = number("how far below 0 the values go", 1.0, gt=0)

    def value(self, u: Array) -> Array:
        """Return u above 0, alpha (exp(u/alpha) - 1) below."""
        return np.where(u > 0.0, u, self.alpha * np.expm1(np.minimum(u, 0.0) / self.alpha))

    def slope(self, u: Array) -> Array:
        """Return 1 above 0, exp(u/alpha) below."""
        return np.exp(np.minimum(u, 0.0) / self.alpha)

    def torch(self, shape: Shape, init: Init) -> nn.Module:
        """Build torch.nn.CELU."""
        del shape, init
        from torch import nn

        return nn.CELU(self.alpha)
