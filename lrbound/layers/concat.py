"""``concat: {branches: [[...], [...]]}``: the outputs of branches side by side, along channels or features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from lrbound.fields import branch_list
from lrbound.layers.base import Branching, Context, Node, Shape, ShapeError, Split, run, shape_after
from lrbound.meanfield.concat import concatenate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import nn

    from lrbound.init import Init
    from lrbound.meanfield.kernel import Kernel


@dataclass(frozen=True)
class Concat(Branching):
    """Channels of all branches (Szegedy et al. 2014, Huang et al. 2016); an empty branch is the input itself.

    Weights above average over the channels of all branches, normalisers and activations act on each branch's own.
    """

    main: ClassVar[str | None] = "branches"
    norms_add: ClassVar[bool] = True

    branches: tuple[tuple[Node, ...], ...] = branch_list("the branches, each a list of layers; [] for the input itself")

    def arms(self) -> tuple[tuple[Node, ...], ...]:
        """Return the branches."""
        return self.branches

    def output_shape(self, shape: Shape) -> Shape:
        """Return the common height and width with the sum of the channels."""
        shapes = [shape_after(branch, shape) for branch in self.branches]
        for index, other in enumerate(shapes):
            if other[1:] != shapes[0][1:] or len(other) != len(shapes[0]):
                raise ShapeError(
                    f"concat: the branches must agree in height and width, but the first gives {list(shapes[0])} "
                    f"and number {index + 1} gives {list(other)}"
                )
        return (sum(other[0] for other in shapes), *shapes[0][1:])

    def join(self, outputs: Sequence[Kernel], ctx: Context) -> tuple[Kernel, Split]:
        """Put the branches side by side."""
        del ctx
        return concatenate(outputs)

    def torch(self, shape: Shape, init: Init) -> nn.Module:
        """Build a module that runs all branches and concatenates them."""
        import torch
        from torch import nn

        from lrbound.layers._modules import sequence

        branches = [sequence(run(branch, shape), init) for branch in self.branches]

        class Concatenation(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.branches = nn.ModuleList(branches)

            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return torch.cat([branch(x) for branch in self.branches], dim=1)

        return Concatenation()
