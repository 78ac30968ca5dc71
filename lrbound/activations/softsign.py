"""``softsign``: phi(u) = u/(1 + abs(u)).

Turian, Bergstra and Bengio 2009; its slope is continuous, the slope's derivative jumps at 0.
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
class Softsign(Activation):
    """Sigmoidal function that reaches its limits as a power of u only."""

    largest: ClassVar[float] = 1.0

    def value(self, u: Array) -> Array:
        """Return u/(1 + abs(u))."""
        return u / (1.0 + np.abs(u))

    def slope(self, u: Array) -> Array:
        """Return 1/(1 + abs(u))^2."""
        return 1.0 / (1.0 + np.abs(u)) ** 2

    def torch(self, shape: Shape, init: Init) -> nn.Module:
        """Build torch.nn.Softsign."""
        del shape, init
        from torch import nn

        return nn.Softsign()
