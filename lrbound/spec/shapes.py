"""Whether every layer can take the shape that reaches it, and which one cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrbound.layers.base import Container, Layer, Node, Shape, ShapeError, chains
from lrbound.spec.header import LONGEST_SIDE

if TYPE_CHECKING:
    from lrbound.spec.diagnostics import Mark, Problems


class ShapeChecker:
    """Follows the shape of a sample through a network.

    Parameters
    ----------
    marks : dict of str to Mark
        Places in the text by path.
    problems : Problems
        Takes the first layer that cannot take its input.

    Attributes
    ----------
    learns : bool
        Whether a layer with parameters has been seen.
    """

    def __init__(self, marks: dict[str, Mark], problems: Problems) -> None:
        self.learns = False
        self._marks = marks
        self._problems = problems
        self._copies: list[int] = []  # which copy of each enclosing repeat is being followed, from 0

    def follow(self, nodes: tuple[Node, ...], shape: Shape) -> Shape | None:
        """Return the shape after a chain of layers, or None where a layer cannot take its input."""
        for node in nodes:
            is_chain = isinstance(node.layer, Container)
            after = self._copies_of(node.layer, shape) if is_chain else self._leaf(node, shape)
            if after is None:
                return None
            shape = after
        return shape

    def _copies_of(self, layer: Layer, shape: Shape) -> Shape | None:
        """Follow every copy in a container until one changes nothing: no later one will then.

        ``layer.output_shape`` would do the same without telling which layer is to blame.
        """
        for copy in range(getattr(layer, "times", 1)):
            before = shape
            self._copies.append(copy)
            for chain in chains(layer):
                after = self.follow(chain, shape)
                if after is None:
                    return None
                shape = after
            self._copies.pop()
            if shape == before:
                break
        return shape

    def _leaf(self, node: Node, shape: Shape) -> Shape | None:
        try:
            after = node.layer.output_shape(shape)
            self.learns = self.learns or node.layer.parameters(shape) > 0
        except ShapeError as error:
            if all(self.follow(chain, shape) is not None for chain in chains(node.layer)):
                self._report(node, str(error))
            return None
        if max(after[1:], default=1) > LONGEST_SIDE:
            self._report(node, f"{node.layer.kind}: the output {list(after)} has a side of more than {LONGEST_SIDE}")
            return None
        return after

    def _report(self, node: Node, message: str) -> None:
        repeated = any(self._copies)
        where = f" (in copy {'.'.join(str(copy + 1) for copy in self._copies)} of the repeat)" if repeated else ""
        self._problems.add(self._marks[node.path], message + where)
