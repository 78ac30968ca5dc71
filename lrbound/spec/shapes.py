"""Whether every layer can take the shape that reaches it, and which one cannot."""

from __future__ import annotations

import re

from lrbound.layers.base import Container, Node, Shape, ShapeError
from lrbound.network import Network
from lrbound.spec.diagnostics import Mark, Problems
from lrbound.spec.size import chains

LONGEST_SIDE = 8192  # of an image; a layer's output is held to the limit of the input
LARGEST = 10**12  # values in one layer's output


class ShapeChecker:
    """Follows the shape through a network.

    Parameters
    ----------
    marks : dict of str to Mark
        Places in the text by path.
    problems : Problems
        Takes the first layer that cannot take its input.
    """

    def __init__(self, marks: dict[str, Mark], problems: Problems) -> None:
        self._marks = marks
        self._problems = problems

    def follow(self, nodes: tuple[Node, ...], shape: Shape) -> Shape | None:
        """Return the shape after a chain of layers, or None where a layer cannot take its input."""
        for node in nodes:
            after = self._after(node, shape)
            if after is None:
                return None
            shape = after
        return shape

    def _after(self, node: Node, shape: Shape) -> Shape | None:
        try:
            after = node.layer.output_shape(shape)
        except ShapeError as error:
            if not self._blame_inside(node, shape):
                self._report(node, str(error))
            return None
        if len(after) > 1 and max(after[1:]) > LONGEST_SIDE:
            self._report(node, f"its output {list(after)} has a side longer than {LONGEST_SIDE}")
            return None
        return after

    def _blame_inside(self, node: Node, shape: Shape) -> bool:
        """Report the layer inside ``node`` that cannot take its input; False where none is to blame."""
        if isinstance(node.layer, Container):
            return any(self.follow((child,), shape) is None for child in ())
        return any(self.follow(chain, shape) is None for chain in chains(node.layer))

    def _report(self, node: Node, message: str) -> None:
        self._problems.add(self.mark(node), message)

    def mark(self, node: Node) -> Mark:
        """Return the place of a node; the copies of a repeat stand in one place."""
        return self._marks[re.sub(r"\[\d+\]", "", node.path)]
