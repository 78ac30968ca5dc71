"""``mish``: phi(u) = u tanh(log(1 + exp(u))).

Misra 2020, Mish: a self regularized non-monotonic activation function.
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
class Mish(Activation):
    """Identity, gated by the tanh of its softplus."""

    def value(self, u: Array) -> Array:
        """Return u tanh(softplus(u))."""
        return u * np.tanh(np.logaddexp(u, 0.0))

    def slope(self, u: Array) -> Array:
        """Return t + u (1 - t^2)/(1 + exp(-u)) with t = tanh(softplus(u))."""
        gate = np.tanh(np.logaddexp(u, 0.0))
        return gate + u * (1.0 - gate * gate) * (0.5 + 0.5 * np.tanh(0.5 * u))

    def torch(self, shape: Shape, init: Init) -> nn.Module:
        """Build torch.nn.Mish."""
        del shape, init
        from torch import nn

        return nn.Mish()
