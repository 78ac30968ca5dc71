"""What the solver sweeps: the law of the samples, and layers with their arguments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lrbound.layers.base import Node, run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lrbound.init import Init
    from lrbound.input_law import Input
    from lrbound.meanfield.contract import Shape


@dataclass(frozen=True)
class Architecture:
    """Layers that fit together, and what reaches the first of them.

    Attributes
    ----------
    name : str
    input : Input
    init : Init
        Initialisation of layers that have none of their own.
    nodes : tuple of Node
        The layers in order; containers hold their own.
    output_shape : tuple of int
        Always flat: ``(outputs,)``.
    """

    name: str
    input: Input
    init: Init
    nodes: tuple[Node, ...]
    output_shape: Shape

    @property
    def outputs(self) -> int:
        """Number C of outputs."""
        return self.output_shape[0]

    def unrolled(self) -> Iterator[tuple[Node, Shape]]:
        """Return every layer in the order in which it runs, repeats written out, with the shape of its input."""
        return run(self.nodes, self.input.shape)

    @property
    def parameters(self) -> int:
        """Number of learnable parameters."""
        return sum(node.layer.parameters(shape) for node, shape in self.unrolled())
