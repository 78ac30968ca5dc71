"""``linear: 1000``: a dense layer, z = W h + b with W ~ sigma_w^2/fan_in and b ~ sigma_b^2."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from lrbound.fields import flag, initialisation, integer
from lrbound.init import Fans
from lrbound.layers.base import Layer
from lrbound.meanfield.contract import Context, Pullback, Shape, ShapeError
from lrbound.meanfield.weights import weight_layer

if TYPE_CHECKING:
    from torch import nn

    from lrbound.init import Init
    from lrbound.meanfield.kernel import Kernel


@dataclass(frozen=True)
class Linear(Layer):
    """Dense layer on flat features (lrbound/theory/mean-field.md, section 1).

    Forward q = sigma_b^2 + sigma_w^2 qh, backward qt = sigma_w^2 qt.
    """

    main: ClassVar[str | None] = "features"
    has_weights: ClassVar[bool] = True

    features: int = integer("number of outputs", le=10**8)
    bias: bool = flag("whether there is a bias", True)
    init: Init | None = initialisation("initialisation of this layer; the network's if absent")

    @property
    def shifts(self) -> bool:
        """Whether there is a bias."""
        return self.bias

    def output_shape(self, shape: Shape) -> Shape:
        """Return ``(features,)``; images must be flattened first."""
        if len(shape) != 1:
            raise ShapeError(f"linear takes flat features, got {list(shape)}; put flatten or global_avg_pool before it")
        return (self.features,)

    def parameters(self, shape: Shape) -> int:
        """Count weights and biases."""
        return self.features * (shape[0] + self.bias)

    def gradient_gain(self, shape: Shape, init: Init) -> float:
        """Return sigma_w^2."""
        return (self.init or init).sigma_w2(self.fans(shape[0]))

    def fans(self, channels: int) -> Fans:
        """Return what initialisations divide by for an input of so many features."""
        return Fans(channels, self.features, self.features)

    def forward(self, kernel: Kernel, ctx: Context) -> tuple[Kernel, Pullback]:
        """Map the kernel through random weights."""
        init = self.init or ctx.init
        fan_in = kernel.channels
        sigma_w2 = init.sigma_w2(self.fans(fan_in))
        square, mean = (init.bias_square(fan_in), init.bias_mean) if self.bias else (0.0, 0.0)
        return weight_layer(kernel, self.features, fan_in, sigma_w2, square, bias=self.bias, bias_mean=mean)

    def torch(self, shape: Shape, init: Init) -> nn.Module:
        """Build torch.nn.Linear, drawn anew."""
        from torch import nn

        module = nn.Linear(shape[0], self.features, bias=self.bias)
        (self.init or init).draw(module.weight, module.bias, self.fans(shape[0]))
        return module
