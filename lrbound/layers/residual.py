"""``residual: {layers: [...], shortcut: [...]}``: the output of a body is added to its input, or to a shortcut of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from lrbound.fields import layer_list
from lrbound.layers.base import Branching, Context, Node, Shape, ShapeError, Split, run, shape_after
from lrbound.meanfield.residual import add

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import nn

    from lrbound.init import Init
    from lrbound.meanfield.kernel import Kernel


@dataclass(frozen=True)
class Residual(Branching):
    """layers(x) + shortcut(x) (He et al. 2015); an empty shortcut is the identity.

    Branches that end in random weights or a normaliser over them are Gaussian and independent, so their kernels add.
    An identity shortcut of a ReLU'd stream keeps the stream's law (theory, section 5).
    """

    main: ClassVar[str | None] = "layers"
    norms_add: ClassVar[bool] = True

    layers: tuple[Node, ...] = layer_list("the body")
    shortcut: tuple[Node, ...] = layer_list("layers of the shortcut; none for the identity", ())

    def arms(self) -> tuple[tuple[Node, ...], ...]:
        """Return the body and the shortcut."""
        return (self.layers, self.shortcut)

    def output_shape(self, shape: Shape) -> Shape:
        """Return the common shape of body and shortcut."""
        body, shortcut = shape_after(self.layers, shape), shape_after(self.shortcut, shape)
        if body != shortcut:
            way = "shortcut gives" if self.shortcut else "identity shortcut keeps"
            raise ShapeError(f"residual: the body gives {list(body)}, but the {way} {list(shortcut)}")
        return body

    def join(self, outputs: Sequence[Kernel], ctx: Context) -> tuple[Kernel, Split]:
        """Add the branches."""
        body, shortcut = outputs
        return add(body, shortcut, ctx)

    def torch(self, shape: Shape, init: Init) -> nn.Module:
        """Build a module that runs both branches and adds them."""
        from torch import Tensor, nn

        from lrbound.layers._modules import sequence

        body, shortcut = (sequence(run(branch, shape), init) for branch in self.arms())

        class Sum(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.body, self.shortcut = body, shortcut

            def forward(self, x: Tensor) -> Tensor:
                return self.body(x) + self.shortcut(x)

        return Sum()
