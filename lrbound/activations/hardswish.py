"""``hardswish``: phi(u) = u min(max(u + 3, 0), 6)/6.

Silu with straight pieces in place of its sigmoid: Howard et al. 2019, Searching for MobileNetV3.
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


@dataclass(frozen=True)
class Hardswish(Activation):
    """Hard swish: 0 below -3, u above 3, u (u + 3)/6 in between."""

    @property
    def kinks(self) -> tuple[Kink, ...]:
        """At -3, where the slope falls from 0 to -1/2, and at 3, where it falls from 3/2 to 1."""
        return (Kink(-3.0, -0.5), Kink(3.0, -0.5))

    def value(self, u: Array) -> Array:
        """Return u times the hard sigmoid min(max(u + 3, 0), 6)/6."""
        return u * np.clip(u + 3.0, 0.0, 6.0) / 6.0

    def slope(self, u: Array) -> Array:
        """Return 0 below -3, 1 above 3, (2 u + 3)/6 in between."""
        return np.where(np.abs(u) < 3.0, (2.0 * u + 3.0) / 6.0, np.heaviside(u, 0.0))

    def torch(self, shape: Shape, init: Init) -> nn.Module:
        """Build torch.nn.Hardswish."""
        del shape, init
        from torch import nn

        return nn.Hardswish()
