"""``dropout: 0.5``: units are zeroed at random in training and the rest divided by 1 - p."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from lrbound.fields import number
from lrbound.layers.base import Layer
from lrbound.meanfield.gradient import Gradient
from lrbound.meanfield.kernel import diagonal

if TYPE_CHECKING:
    from torch import nn

    from lrbound.init import Init
    from lrbound.meanfield.contract import Context, Pullback, Shape
    from lrbound.meanfield.kernel import Kernel


@dataclass(frozen=True)
class Dropout(Layer):
    """Independent masks for every unit, position and sample, as torch.nn.Dropout draws them in training.

    E[(m h)^2] = E[h^2]/(1-p); products of different positions or samples have independent masks of mean 1 and are
    unchanged. The same holds for gradients in the backward pass.
    """

    averages_positions: ClassVar[bool] = True
    main: ClassVar[str | None] = "p"

    p: float = number("probability that a unit is zeroed", 0.5, ge=0, lt=1)

    def forward(self, kernel: Kernel, ctx: Context) -> tuple[Kernel, Pullback]:
        """Scale same-sample, same-position moments by 1/(1-p)."""
        del ctx
        keep = 1.0 - self.p
        gain = np.array([1.0 / keep, 1.0]).reshape(2, 1, 1)
        site = kernel.on_site * gain - diagonal(kernel.pair)
        gaussian = kernel.gaussian and self.p == 0.0
        out = kernel.becomes(
            kernel.pair, site, mean=kernel.mean, gaussian=gaussian, middle=kernel.middle, near=kernel.near
        )

        def pull(gradient: Gradient) -> tuple[Gradient, None]:
            ones = np.ones((1, 1, 1, 1, 1))
            return Gradient(gradient.delta.times(ones, gain)), None

        return out, pull

    def torch(self, shape: Shape, init: Init) -> nn.Module:
        """Build torch.nn.Dropout."""
        del shape, init
        from torch import nn

        return nn.Dropout(self.p)
