"""``silu``: phi(u) = u / (1 + exp(-u)).

Also called swish (Ramachandran, Zoph and Le 2017; Elfwing, Uchibe and Doya 2018).
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
class Silu(Activation):
    """Sigmoid-weighted linear unit."""

    def value(self, u: Array) -> Array:
        """Return u / (1 + exp(-u))."""
        return u * (0.5 + 0.5 * np.tanh(0.5 * u))

    def slope(self, u: Array) -> Array:
        """Return g + u g (1 - g) with the gate g = 1 / (1 + exp(-u))."""
        gate = 0.5 + 0.5 * np.tanh(0.5 * u)
        return gate * (1.0 + u * (1.0 - gate))

    def torch(self, shape: Shape, init: Init) -> nn.Module:
        """Build torch.nn.SiLU."""
        del shape, init
        from torch import nn

        return nn.SiLU()
