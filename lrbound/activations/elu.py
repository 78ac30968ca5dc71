"""``elu``: phi(u) = u above 0, exp(u) - 1 below.

With alpha = 1 (Clevert, Unterthiner and Hochreiter 2016) the slope is continuous; its derivative jumps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lrbound.activations.base import Activation

if TYPE_CHECKING:
    from torch import nn

    from lrbound.init import Init
    from lrbound.meanfield.contract import Shape
    from lrbound.meanfield.gaussian import Array


@dataclass(frozen=True)
class Elu(Activation):
    """Exponential linear unit."""

    def value(self, u: Array) -> Array:
        """Return u above 0, exp(u) - 1 below."""
        return np.where(u > 0.0, u, np.expm1(np.minimum(u, 0.0)))

    def slope(self, u: Array) -> Array:
        """Return 1 above 0, exp(u) below."""
        return np.exp(np.minimum(u, 0.0))

    def torch(self, shape: Shape, init: Init) -> nn.Module:
        """Build torch.nn.ELU."""
        del shape, init
        from torch import nn

        return nn.ELU()
