"""``tanh``: phi(u) = tanh(u).

No closed form is known; mean-field theory takes it by quadrature (Poole et al. 2016, Exponential expressivity in deep
neural networks through transient chaos).
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
class Tanh(Activation):
    """Hyperbolic tangent."""

    largest: ClassVar[float] = 1.0

    def value(self, u: Array) -> Array:
        """Return tanh(u)."""
        return np.tanh(u)

    def slope(self, u: Array) -> Array:
        """Return 1 - tanh(u)^2."""
        return 1.0 - np.tanh(u) ** 2

    def torch(self, shape: Shape, init: Init) -> nn.Module:
        """Build torch.nn.Tanh."""
        del shape, init
        from torch import nn

        return nn.Tanh()
