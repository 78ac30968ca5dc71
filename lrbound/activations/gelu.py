"""``gelu``: phi(u) = u Phi(u), Phi the standard normal distribution function.

The exact form, not the tanh one (Hendrycks and Gimpel 2016).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lrbound.activations.base import Activation

if TYPE_CHECKING:
    from torch import nn

    from lrbound.init import Init
    from lrbound.layers.base import Shape
    from lrbound.meanfield.gaussian import Array


@dataclass(frozen=True)
class Gelu(Activation):
    """Gaussian error linear unit."""

    def value(self, u: Array) -> Array:
        """Return u Phi(u)."""
        from scipy.special import ndtr

        return np.asarray(u * ndtr(u))

    def slope(self, u: Array) -> Array:
        """Return Phi(u) + u Phi'(u)."""
        from scipy.special import ndtr

        return np.asarray(ndtr(u) + u * np.exp(-0.5 * u * u) / math.sqrt(2.0 * math.pi))

    def torch(self, shape: Shape, init: Init) -> nn.Module:
        """Build torch.nn.GELU."""
        del shape, init
        from torch import nn

        return nn.GELU()
