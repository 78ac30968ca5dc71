"""``leaky_relu``: phi(u) = max(u, 0) + a min(u, 0) = a u + (1 - a) relu(u).

At mean 0, E phi(u) phi(v) = a s_a s_b c + (1 - a)^2 E relu(u) relu(v): by symmetry E u relu(v) = s_a s_b c / 2 (Maas,
Hannun and Ng 2013 for the function; the mean follows from Cho and Saul 2009).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from lrbound.activations.base import Activation
from lrbound.fields import number
from lrbound.meanfield.gaussian import Array, Kink, Pair, rectified

if TYPE_CHECKING:
    from torch import nn

    from lrbound.init import Init
    from lrbound.meanfield.contract import Shape


@dataclass(frozen=True)
class LeakyRelu(Activation):
    """Leaky rectified linear unit; at mean 0 its pair functions are exact."""

    main: ClassVar[str | None] = "negative_slope"

    negative_slope: float = number("slope below 0", 0.01)

    @property
    def kinks(self) -> tuple[Kink, ...]:
        """One at 0, of 1 - a."""
        return (Kink(0.0, 1.0 - self.negative_slope),)

    def value(self, u: Array) -> Array:
        """Return u above 0, a u below."""
        return np.where(u > 0.0, u, self.negative_slope * u)

    def slope(self, u: Array) -> Array:
        """Return 1 above 0, a below."""
        return np.where(u > 0.0, 1.0, self.negative_slope)

    def pair(self, mean: float, sd_a: Array, sd_b: Array, rho: Array) -> Pair:
        """Return relu's pair functions, mixed with those of the identity."""
        if mean != 0.0:
            return super().pair(mean, sd_a, sd_b, rho)
        relu, square = rectified(mean, sd_a, sd_b, rho), (1.0 - self.negative_slope) ** 2
        linear = self.negative_slope * np.clip(rho, -1.0, 1.0) * sd_a * sd_b
        return Pair(linear + square * relu.value, self.negative_slope + square * relu.slope, square * relu.stein)

    def torch(self, shape: Shape, init: Init) -> nn.Module:
        """Build torch.nn.LeakyReLU."""
        del shape, init
        from torch import nn

        return nn.LeakyReLU(self.negative_slope)
