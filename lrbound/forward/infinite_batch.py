"""Where a forward sweep at a finite batch can be taken up by one at an infinite batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrbound.layers.base import Branching, unroll

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrbound.layers.base import Node


MANY_SAMPLES = 64
"""Batch size from which normalisers hide that a kernel under them is that of a finite batch."""
NORMALISERS = 5
"""How many of them: then K2 and K1 of the head move by less than 1e-5."""


def last_memory(nodes: Sequence[Node], samples: float) -> int:
    """Return from which layer on a sweep at an infinite batch must run: the kernel there may be that of the batch.

    A normaliser sets the level of its output and the correlation of two samples anew, so that under it the batch shows
    in the differences between positions alone, and those it damps.
    """
    found = 0
    for at in reversed(range(len(nodes) if samples >= MANY_SAMPLES else 0)):
        found += _normalisers(nodes[at : at + 1])
        if found >= NORMALISERS and _is_gate(nodes[at]):
            return at
    return 0


def _normalisers(nodes: Sequence[Node]) -> int:
    return sum(node.layer.fixes_scale + sum(map(_normalisers, _arms(node))) for node in unroll(tuple(nodes)))


def _is_gate(node: Node) -> bool:
    """Return whether every path through a layer meets a normaliser."""
    arms = _arms(node)
    return node.layer.fixes_scale or (bool(arms) and all(any(map(_is_gate, unroll(arm))) for arm in arms))


def _arms(node: Node) -> tuple[tuple[Node, ...], ...]:
    return node.layer.arms() if isinstance(node.layer, Branching) else ()
