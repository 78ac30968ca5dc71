"""The layers whose scale matters: those that no normaliser between them and the outputs makes scale invariant."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lrbound.layers.base import Branching, run

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from lrbound.backward.sweep import Term
    from lrbound.curvature.fisher import Spectrum
    from lrbound.init import Init
    from lrbound.layers.base import Layer, Node
    from lrbound.meanfield.contract import Shape


@dataclass(frozen=True)
class Exposed:
    """One of them, at an infinite batch and per output, in units of half_squared_error.

    Attributes
    ----------
    coherent, trace : float
        K2 and K1.
    gain : float
        Mean squared gain of its random weights for a gradient; infinite without weights.
    has_weights : bool
    """

    coherent: float
    trace: float
    gain: float
    has_weights: bool


def exposed(
    parts: Iterable[tuple[Term, Spectrum]], nodes: Sequence[Node], shape: Shape, init: Init
) -> tuple[Exposed, ...]:
    """Return the layers of a sweep with their gains; ``nodes`` and ``shape`` are those of the network and its input."""
    gains = {node.path: node.layer.gradient_gain(inner, init) for node, inner in leaves(nodes, shape)}
    return tuple(
        Exposed(min(own.coherent, own.trace), own.trace, gains[term.node.path], term.node.layer.has_weights)
        for term, own in parts
    )


def narrowest(nodes: Sequence[Node], shape: Shape) -> float:
    """Return the fewest units of a hidden weight layer, infinite where there is none."""
    widths = [node.layer.output_shape(inner)[0] for node, inner in leaves(nodes, shape) if node.layer.has_weights]
    return min(widths[:-1], default=math.inf)


def normalisers(nodes: Sequence[Node], shape: Shape) -> list[Layer]:
    """Return the layers that fix the scale of what is below them."""
    return [node.layer for node, _ in leaves(nodes, shape) if node.layer.fixes_scale]


def leaves(nodes: Sequence[Node], shape: Shape) -> Iterator[tuple[Node, Shape]]:
    """Yield the layers that hold no others, each with the shape of its input."""
    for node, inner in run(tuple(nodes), shape):
        if isinstance(node.layer, Branching):
            for arm in node.layer.arms():
                yield from leaves(arm, inner)
        else:
            yield node, inner
