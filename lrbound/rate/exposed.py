"""The layers whose scale matters: those that no normaliser between them and the outputs makes scale invariant."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lrbound.layers.base import Branching, leaves, run, unroll

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
    rescaled : bool
        Whether every path from its output to the network's passes a layer that rescales what it has grown by.
    """

    coherent: float
    trace: float
    gain: float
    has_weights: bool
    rescaled: bool


def exposed(
    parts: Iterable[tuple[Term, Spectrum]], nodes: Sequence[Node], shape: Shape, init: Init
) -> tuple[Exposed, ...]:
    """Return the layers of a sweep with their gains; ``nodes`` and ``shape`` are those of the network and its input."""
    gains = {node.path: node.layer.gradient_gain(inner, init) for node, inner in leaves(nodes, shape)}
    below = dict(rescaled(nodes))
    return tuple(
        Exposed(
            min(own.coherent, own.trace),
            own.trace,
            gains[term.node.path],
            term.node.layer.has_weights,
            below[term.node.path],
        )
        for term, own in parts
    )


def narrowest(nodes: Sequence[Node], shape: Shape) -> float:
    """Return the fewest units of a hidden weight layer, infinite where there is none."""
    widths = [node.layer.output_shape(inner)[0] for node, inner in leaves(nodes, shape) if node.layer.has_weights]
    return min(widths[:-1], default=math.inf)


def normalisers(nodes: Sequence[Node], shape: Shape) -> list[Layer]:
    """Return the layers that fix the scale of what is below them."""
    return [node.layer for node, _ in leaves(nodes, shape) if node.layer.fixes_scale]


def bounded_features(nodes: Sequence[Node], shape: Shape) -> float:
    """Return the largest squared norm of the last weight layer's input; infinite where nothing bounds it."""
    largest, found = math.inf, math.inf
    for node, inner in run(tuple(nodes), shape):
        if node.layer.has_weights:
            found = inner[0] * largest**2 if len(inner) == 1 else math.inf
        elif isinstance(node.layer, Branching):
            found = math.inf
        largest = node.layer.bound(largest)
    return found


def rescaled(nodes: Sequence[Node], *, above: bool = False) -> Iterator[tuple[str, bool]]:
    """Yield the paths of the leaves, each with whether every path up from it passes a layer that rescales."""
    for node in reversed(list(unroll(tuple(nodes)))):
        if isinstance(node.layer, Branching):
            arms = node.layer.arms()
            for arm in arms:
                yield from rescaled(arm, above=above)
            above = above or all(any(inner.layer.rescales for inner in unroll(arm)) for arm in arms)
        else:
            yield node.path, above
            above = above or node.layer.rescales
