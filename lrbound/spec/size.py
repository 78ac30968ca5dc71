"""How many layers a network has when its repeats are written out, without writing them out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrbound.layers.base import children

if TYPE_CHECKING:
    from lrbound.layers.base import Node
    from lrbound.spec.diagnostics import Mark, Problems

MOST_LAYERS = 100_000


def check_size(nodes: tuple[Node, ...], marks: dict[str, Mark], problems: Problems) -> None:
    """Report repeats that make the network too large to be solved layer by layer.

    Parameters
    ----------
    nodes : tuple of Node
        The network.
    marks : dict of str to Mark
        Places in the text by path.
    problems : Problems
        Takes what is too large: the innermost repeat that is, or the network as a whole.
    """
    total = sum(_count(node, marks, problems) for node in nodes)
    if total > MOST_LAYERS:
        message = f"the repeats make {total} layers in all; at most {MOST_LAYERS} are allowed"
        problems.add(marks["layers"], message)


def _count(node: Node, marks: dict[str, Mark], problems: Problems) -> int:
    """Return the number of layers that a node stands for, 1 where that has been found too large."""
    inner = [_count(child, marks, problems) for child in children(node.layer)]
    if not inner:
        return 1
    times: int = getattr(node.layer, "times", 1)
    if times * sum(inner) <= MOST_LAYERS:
        return times * sum(inner)
    kind = node.layer.kind
    message = f"{kind}: {times} times {sum(inner)} is {times * sum(inner)} layers; at most {MOST_LAYERS} are allowed"
    problems.add(marks.get(f"{node.path}.{kind}.times", marks[node.path]), message)
    return 1
