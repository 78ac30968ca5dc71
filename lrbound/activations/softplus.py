"""``softplus``: phi(u) = log(1 + exp(u)).

Smooth relu (Dugas et al. 2001); torch's beta and threshold at their defaults.
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
class Softplus(Activation):
    """Smooth rectifier."""

    def value(self, u: Array) -> Array:
        """Return log(1 + exp(u))."""
        return np.logaddexp(u, 0.0)

    def slope(self, u: Array) -> Array:
        """Return 1 / (1 + exp(-u))."""
        return 0.5 + 0.5 * np.tanh(0.5 * u)

    def torch(self, shape: Shape, init: Init) -> nn.Module:
        """Build torch.nn.Softplus."""
        del shape, init
        from torch import nn

        return nn.Softplus()
