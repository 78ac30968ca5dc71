"""``gelu``: phi(u) = u Phi(u), Phi the standard normal distribution function (Hendrycks and Gimpel 2016).

With ``approximate: tanh``, (1 + tanh(sqrt(2/pi) (u + 0.044715 u^3)))/2 stands for Phi(u), as in GPT-2 and in BERT's first code; the
two functions differ by less than 5e-4.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from lrbound.activations.base import Activation
from lrbound.fields import choice

if TYPE_CHECKING:
    from torch import nn

    from lrbound.init import Init
    from lrbound.meanfield.contract import Shape
    from lrbound.meanfield.gaussian import Array

SCALE = math.sqrt(2.0 / math.pi)
CUBE = 0.044715


@dataclass(frozen=True)
class Gelu(Activation):
    """Gaussian error linear unit, in its exact form or by tanh."""

    main: ClassVar[str | None] = "approximate"

    approximate: str = choice("what is computed: the exact function, or the form by tanh", ("none", "tanh"), "none")

    def value(self, u: Array) -> Array:
        """Return u Phi(u)."""
        if self.approximate == "tanh":
            return u * _gate(u)
        from scipy.special import ndtr

        return np.asarray(u * ndtr(u))

    def slope(self, u: Array) -> Array:
        """Return Phi(u) + u Phi'(u)."""
        if self.approximate == "tanh":
            gate = _gate(u)
            return gate + 2.0 * u * gate * (1.0 - gate) * SCALE * (1.0 + 3.0 * CUBE * u * u)
        from scipy.special import ndtr

        return np.asarray(ndtr(u) + u * np.exp(-0.5 * u * u) / math.sqrt(2.0 * math.pi))

    def torch(self, shape: Shape, init: Init) -> nn.Module:
        """Build torch.nn.GELU."""
        del shape, init
        from torch import nn

        return nn.GELU(self.approximate)


def _gate(u: Array) -> Array:
    return 0.5 + 0.5 * np.tanh(SCALE * (u + CUBE * u**3))
