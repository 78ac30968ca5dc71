"""``repeat: {times: 3, layers: [...]}``: the same layers several times in a row, each time with its own weights."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from lrbound.fields import integer, layer_list
from lrbound.layers.base import Container, Node, moved, shape_after

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lrbound.meanfield.contract import Shape


@dataclass(frozen=True)
class Repeat(Container):
    """``times`` copies of ``layers``. The paths in copy i read ``....repeat[i].layers.0``, i from 0."""

    times: int = integer("how many times the layers follow one another")
    layers: tuple[Node, ...] = layer_list("the layers that are repeated")

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape after all copies; a copy that keeps its input's shape keeps it for good."""
        for _ in range(self.times):
            before, shape = shape, shape_after(self.layers, shape)
            if shape == before:
                break
        return shape

    def children(self) -> Iterator[Node]:
        """Yield the layers of every copy; each path names its copy."""
        yield from self._copies

    @cached_property
    def _copies(self) -> tuple[Node, ...]:
        homes = [(node, node.path.rpartition(".repeat.layers.")[0]) for node in self.layers]
        return tuple(
            moved(node, f"{home}.repeat.", f"{home}.repeat[{copy}].")
            for copy in range(self.times)
            for node, home in homes
        )
