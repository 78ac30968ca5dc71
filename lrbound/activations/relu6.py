"""``relu6``: phi(u) = min(max(u, 0), 6).

The activation of MobileNetV2 (Sandler et al. 2018); Krizhevsky 2010, Convolutional deep belief networks on CIFAR-10.
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
class Relu6(Activation):
    """Rectified linear unit with a largest value of 6."""

    largest: ClassVar[float] = 6.0

    @property
    def kinks(self) -> tuple[Kink, ...]:
        """At 0 and at 6, where the slope goes to 1 and back to 0."""
        return (Kink(0.0, 1.0), Kink(6.0, -1.0))

    def value(self, u: Array) -> Array:
        """Return u between 0 and 6, and the nearer of the two elsewhere."""
        return np.clip(u, 0.0, 6.0)

    def slope(self, u: Array) -> Array:
        """Return 1 between 0 and 6, 0 elsewhere."""
        return np.where((u > 0.0) & (u < 6.0), 1.0, 0.0)

    def torch(self, shape: Shape, init: Init) -> nn.Module:
        """Build torch.nn.ReLU6."""
        del shape, init
        from torch import nn

        return nn.ReLU6()
