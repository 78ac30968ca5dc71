"""``identity``: phi(u) = u.

E u v = mu^2 + s_a s_b rho and phi' = 1; it makes a linear network (Saxe, McClelland and Ganguli 2014).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lrbound.activations.base import Activation
from lrbound.meanfield.gaussian import Array, Pair

if TYPE_CHECKING:
    from torch import nn

    from lrbound.init import Init
    from lrbound.meanfield.contract import Context, Pullback, Shape
    from lrbound.meanfield.kernel import Kernel


@dataclass(frozen=True)
class Identity(Activation):
    """No activation; exact at every mean."""

    def value(self, u: Array) -> Array:
        """Return u."""
        return u

    def slope(self, u: Array) -> Array:
        """Return 1."""
        return np.ones_like(u)

    def pair(self, mean: float, sd_a: Array, sd_b: Array, rho: Array) -> Pair:
        """Return the second moment; the slope is 1 and nothing else is left."""
        value = mean * mean + sd_a * sd_b * np.clip(rho, -1.0, 1.0)
        return Pair(value, np.ones_like(value), np.zeros_like(value))

    def local(self, mean: float, sd: Array) -> Pair:
        """Return the same for v = u."""
        return self.pair(mean, sd, sd, np.ones_like(sd))

    def forward(self, kernel: Kernel, ctx: Context) -> tuple[Kernel, Pullback]:
        """Pass the kernel and the gradient on unchanged."""
        del ctx
        return kernel, lambda gradient: (gradient, None)

    def torch(self, shape: Shape, init: Init) -> nn.Module:
        """Build torch.nn.Identity."""
        del shape, init
        from torch import nn

        return nn.Identity()
