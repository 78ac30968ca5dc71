"""``selu``: phi(u) = lambda u above 0, lambda alpha (exp(u) - 1) below.

lambda and alpha make (0, 1) a fixed point of mean and variance: Klambauer et al. 2017, Self-normalizing neural
networks, equation 14.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lrbound.activations.base import Activation
from lrbound.meanfield.gaussian import Kink

if TYPE_CHECKING:
    from torch import nn

    from lrbound.init import Init
    from lrbound.meanfield.contract import Shape
    from lrbound.meanfield.gaussian import Array

SCALE = 1.0507009873554804934193349852946
ALPHA = 1.6732632423543772848170429916717


@dataclass(frozen=True)
class Selu(Activation):
    """Scaled exponential linear unit."""

    @property
    def kinks(self) -> tuple[Kink, ...]:
        """One at 0, of lambda (1 - alpha): the slope is larger just below than above."""
        return (Kink(0.0, SCALE * (1.0 - ALPHA)),)

    def value(self, u: Array) -> Array:
        """Return lambda u above 0, lambda alpha (exp(u) - 1) below."""
        return SCALE * np.where(u > 0.0, u, ALPHA * np.expm1(np.minimum(u, 0.0)))

    def slope(self, u: Array) -> Array:
        """Return lambda above 0, lambda alpha exp(u) below."""
        return SCALE * np.where(u > 0.0, 1.0, ALPHA * np.exp(np.minimum(u, 0.0)))

    def torch(self, shape: Shape, init: Init) -> nn.Module:
        """Build torch.nn.SELU."""
        del shape, init
        from torch import nn

        return nn.SELU()
