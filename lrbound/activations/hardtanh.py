"""``hardtanh``: phi(u) = min(max(u, -1), 1).

Tanh with straight pieces: Collobert 2004, Large scale machine learning.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from lrbound.activations.base import Activation
from lrbound.meanfield.gaussian import Kink

if TYPE_CHECKING:
    from torch import nn

    from lrbound.init import Init
    from lrbound.meanfield.contract import Shape
    from lrbound.meanfield.gaussian import Array


@dataclass(frozen=True)
class Hardtanh(Activation):
    """Identity between -1 and 1, constant beyond."""

    largest: ClassVar[float] = 1.0

    @property
    def kinks(self) -> tuple[Kink, ...]:
        """At -1 and at 1, where the slope goes to 1 and back to 0."""
        return (Kink(-1.0, 1.0), Kink(1.0, -1.0))

    def value(self, u: Array) -> Array:
        """Return u between -1 and 1, and the nearer of the two elsewhere."""
        return np.clip(u, -1.0, 1.0)

    def slope(self, u: Array) -> Array:
        """Return 1 between -1 and 1, 0 elsewhere."""
        return np.where(np.abs(u) < 1.0, 1.0, 0.0)

    def torch(self, shape: Shape, init: Init) -> nn.Module:
        """Build torch.nn.Hardtanh."""
        del shape, init
        from torch import nn

        return nn.Hardtanh()
