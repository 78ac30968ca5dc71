"""``multiply: {branches: [[...], [...]]}``: the product of two branches, unit by unit, as in gated layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from lrbound.fields import branch_list
from lrbound.layers.base import Branching, Node, run, shape_after
from lrbound.meanfield.contract import Context, Shape, ShapeError, Split
from lrbound.meanfield.gate import multiply
from lrbound.notices import Notice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import nn

    from lrbound.init import Init
    from lrbound.meanfield.gradient import Gradient
    from lrbound.meanfield.kernel import Kernel


@dataclass(frozen=True)
class Multiply(Branching):
    """Product of branches. A branch that gives flat [channels] multiplies all positions of [channels, height, width].

    The branches are taken as independent: to leading order in the channels true where all but one end in weights of
    their own.
    """

    main: ClassVar[str | None] = "branches"

    branches: tuple[tuple[Node, ...], ...] = branch_list("the branches, each a list of layers; [] for the input itself")

    def arms(self) -> tuple[tuple[Node, ...], ...]:
        """Return the branches."""
        return self.branches

    def output_shape(self, shape: Shape) -> Shape:
        """Return the common shape; that of the map where the other branches are flat gates of its channels."""
        shapes = [shape_after(branch, shape) for branch in self.branches]
        largest = max(shapes, key=len)
        for index, other in enumerate(shapes):
            if other not in (largest, largest[:1]):
                raise ShapeError(
                    f"multiply: branch {index + 1} gives {list(other)}, which fits neither {list(largest)} nor its "
                    f"channels [{largest[0]}]"
                )
        return largest

    def join(self, outputs: Sequence[Kernel], ctx: Context) -> tuple[Kernel, Split]:
        """Multiply the branches one after the other."""
        if sum(not _has_weights(branch) for branch in self.branches) > 1:
            ctx.warn(
                Notice("LRB033", "multiply: more than one branch has no weights; factors are taken as independent")
            )
        product, splits = outputs[0], []
        for other in outputs[1:]:
            product, split = multiply(product, other)
            splits.append(split)

        def back(gradient: Gradient) -> Sequence[Gradient]:
            ends: list[Gradient] = []
            for split in reversed(splits):
                gradient, last = split(gradient)
                ends.append(last)
            return [gradient, *reversed(ends)]

        return product, back

    def torch(self, shape: Shape, init: Init) -> nn.Module:
        """Build a module that runs all branches and multiplies them."""
        from torch import Tensor, nn

        from lrbound.layers._modules import sequence

        branches = [sequence(run(branch, shape), init) for branch in self.branches]
        spatial = len(self.output_shape(shape)) == 3

        class Product(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.branches = nn.ModuleList(branches)

            def forward(self, x: Tensor) -> Tensor:
                factors = [branch(x) for branch in self.branches]
                if spatial:
                    factors = [factor if factor.dim() == 4 else factor[:, :, None, None] for factor in factors]
                product: Tensor = factors[0]
                for factor in factors[1:]:
                    product = product * factor
                return product

        return Product()


def _has_weights(branch: tuple[Node, ...]) -> bool:
    from lrbound.layers.base import children

    return any(node.layer.has_weights or _has_weights(tuple(children(node.layer))) for node in branch)
