"""``squeeze_excite: {reduction: 16}``: every channel is multiplied by a gate between 0 and 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from lrbound.activations import ACTIVATIONS
from lrbound.fields import choice, flag, initialisation, integer
from lrbound.layers.base import Layer, Node, run
from lrbound.meanfield.contract import Context, Pullback, Shape, ShapeError
from lrbound.meanfield.gate import multiply
from lrbound.meanfield.gradient import Gradient, Share

if TYPE_CHECKING:
    from torch import nn

    from lrbound.init import Init
    from lrbound.meanfield.kernel import Kernel

REDUCTION = 16


@dataclass(frozen=True)
class SqueezeExcite(Layer):
    """u gate(W2 phi(W1 m + b1) + b2), m the mean of u over positions (Hu et al. 2017).

    The gate of a channel is taken as independent of that channel, and of how it correlates with the others: exact to
    leading order in the channels. Near initialisation it is about 1/2, that of a small number, so that Gaussian units are
    taken to stay Gaussian.
    """

    main: ClassVar[str | None] = "reduction"
    gates: ClassVar[bool] = True

    reduction: int = integer("channels of the input over units inside, rounded down", REDUCTION)
    units: int | None = integer("units inside; those of 'reduction' if absent", None, le=10**8)
    activation: str = choice("phi", ("relu", "silu"), "relu")
    gate: str = choice("what the channels are multiplied by", ("sigmoid", "hardsigmoid"), "sigmoid")
    bias: bool = flag("whether the two weight layers have biases", True)
    init: Init | None = initialisation("initialisation of both weight layers; the network's if absent")
    squeeze_init: Init | None = initialisation("initialisation of W1 and b1; 'init' if absent")
    excite_init: Init | None = initialisation("initialisation of W2 and b2; 'init' if absent")

    def validate(self) -> str | None:
        """Say why the arguments do not fit together, or None."""
        if self.units is not None and self.reduction != REDUCTION:
            return f"'units' or 'reduction', not both: got {self.units} and {self.reduction}"
        return None

    @property
    def inits(self) -> tuple[Init | None, Init | None]:
        """Initialisations of W1 and of W2; None for the network's."""
        return self.squeeze_init or self.init, self.excite_init or self.init

    def inside(self, channels: int) -> int:
        """Return the number of units inside."""
        return self.units or max(1, channels // self.reduction)

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape of the input."""
        if len(shape) != 3:
            raise ShapeError(f"squeeze_excite takes [channels, height, width], got {list(shape)}")
        return shape

    def parameters(self, shape: Shape) -> int:
        """Count the weights and biases of the gate."""
        return sum(node.layer.parameters(inner) for node, inner in run(self.chain(shape[0]), shape))

    def forward(self, kernel: Kernel, ctx: Context) -> tuple[Kernel, Pullback]:
        """Multiply the kernel by that of the gate; the layer's part is that of the gate's weights."""
        gate, pulls = kernel, []
        for node in self.chain(kernel.channels):
            gate, pull = node.layer.forward(gate, ctx)
            pulls.append(pull)
        out, split = multiply(kernel, gate, gaussian=kernel.gaussian)

        def back(gradient: Gradient) -> tuple[Gradient, Share]:
            stream, below = split(gradient)
            coherent = trace = np.zeros(())
            for pull in reversed(pulls):
                below, share = pull(below)
                if share is not None:
                    coherent, trace = coherent + share.coherent, trace + share.trace
            return Gradient(stream.delta.plus(below.delta), stream.excess), Share(coherent, trace)

        return out, back

    def chain(self, channels: int) -> tuple[Node, ...]:
        """Return the layers of the gate: mean over positions, weights, phi, weights, and 'gate'."""
        from lrbound.layers.global_avg_pool import GlobalAvgPool
        from lrbound.layers.linear import Linear

        squeeze, excite = self.inits
        layers = (
            GlobalAvgPool(),
            Linear(features=self.inside(channels), bias=self.bias, init=squeeze),
            ACTIVATIONS.get(self.activation)(),
            Linear(features=channels, bias=self.bias, init=excite),
            ACTIVATIONS.get(self.gate)(),
        )
        return tuple(Node(f"gate.{index}", layer) for index, layer in enumerate(layers))

    def torch(self, shape: Shape, init: Init) -> nn.Module:
        """Build a module that computes the gate and multiplies by it."""
        from torch import Tensor, nn

        gate = nn.Sequential(*(node.layer.torch(inner, init) for node, inner in run(self.chain(shape[0]), shape)))

        class Gated(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.gate = gate

            def forward(self, x: Tensor) -> Tensor:
                weight: Tensor = self.gate(x)
                return x * weight[:, :, None, None]

        return Gated()
