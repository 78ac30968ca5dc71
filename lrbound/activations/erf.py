"""``erf``: phi(u) = erf(u) = 2/sqrt(pi) int_0^u exp(-t^2) dt.

At mean 0, with covariance c = s_a s_b rho, E phi(u) phi(v) = (2/pi) asin(2 c / sqrt((1 + 2 s_a^2)(1 + 2 s_b^2))):
Williams 1997, Computing with infinite networks, equation 11.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from lrbound.activations.base import Activation
from lrbound.meanfield.gaussian import Array, Pair, divide

if TYPE_CHECKING:
    from torch import nn

    from lrbound.init import Init
    from lrbound.meanfield.contract import Shape


@dataclass(frozen=True)
class Erf(Activation):
    """Gauss error function; exact at mean 0."""

    largest: ClassVar[float] = 1.0

    def value(self, u: Array) -> Array:
        """Return erf(u)."""
        from scipy.special import erf

        return np.asarray(erf(u))

    def slope(self, u: Array) -> Array:
        """Return 2/sqrt(pi) exp(-u^2)."""
        return 2.0 / math.sqrt(math.pi) * np.exp(-u * u)

    def pair(self, mean: float, sd_a: Array, sd_b: Array, rho: Array) -> Pair:
        """Return the arc-sine kernel and its kin."""
        if mean != 0.0:
            return super().pair(mean, sd_a, sd_b, rho)
        rho, area, scale = np.clip(rho, -1.0, 1.0), sd_a * sd_b, (1.0 + 2.0 * sd_a**2) * (1.0 + 2.0 * sd_b**2)
        # The determinant scale - 4 c^2 less 1, free of cancellation at small deviations. Under the weight
        # phi'(u) phi'(v) the covariance of z and z' is rho / determinant.
        excess = 2.0 * (sd_a**2 + sd_b**2) + 4.0 * area**2 * (1.0 - rho) * (1.0 + rho)
        value = 2.0 / math.pi * np.arcsin(2.0 * area * rho / np.sqrt(scale))
        slope = 4.0 / math.pi / np.sqrt(1.0 + excess)
        return Pair(value, slope, divide(-rho * slope * excess / (1.0 + excess), area))

    def local(self, mean: float, sd: Array) -> Pair:
        """Return the same for v = u."""
        return super().local(mean, sd) if mean != 0.0 else self.pair(mean, sd, sd, np.ones_like(sd))

    def torch(self, shape: Shape, init: Init) -> nn.Module:
        """Build a module around torch.erf."""
        del shape, init
        from torch import Tensor, nn

        class ErrorFunction(nn.Module):
            def forward(self, u: Tensor) -> Tensor:
                return u.erf()

        return ErrorFunction()
