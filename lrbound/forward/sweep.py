"""Forward sweep: kernels from the input through every layer to the outputs. Knows no layer by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from lrbound.layers.base import Branching, Node, run, shape_after, unroll
from lrbound.meanfield.kernel import Kernel, white

if TYPE_CHECKING:
    from lrbound.architecture import Architecture
    from lrbound.meanfield.contract import Context, Pullback, Shape, Split


class Step(NamedTuple):
    """One layer after the forward sweep: the kernels below and above it, the order parameters above, and the pullback."""

    node: Node
    parameters: int
    q: float
    q_xy: float
    pull: Pullback
    below: Kernel
    above: Kernel


class Fork(NamedTuple):
    """A branching layer after the forward sweep: the steps of its branches, and the pullback into them.

    ``ends`` are the kernels at the ends of the branches.
    """

    node: Node
    q: float
    q_xy: float
    chains: tuple[Chain, ...]
    split: Split
    below: Kernel
    ends: tuple[Kernel, ...]
    above: Kernel


Chain = list[Step | Fork]


class Place(NamedTuple):
    """A place on the way forward: the layers to come, with repeats written out, and what reaches the first of them."""

    nodes: tuple[Node, ...]
    kernel: Kernel
    shape: Shape


def entrance(network: Architecture) -> Place:
    """Return the place where a forward sweep starts."""
    kernel = white(network.input.shape, network.input.mean_square, network.input.correlation)
    return Place(tuple(unroll(network.nodes)), kernel, network.input.shape)


def advance(place: Place, ctx: Context, layers: int | None = None) -> tuple[Chain, Place]:
    """Propagate kernels through so many layers, or all of them; also return the place that is reached."""
    count = len(place.nodes) if layers is None else layers
    chain, kernel = _forward(place.nodes[:count], place.kernel, place.shape, ctx)
    return chain, Place(place.nodes[count:], kernel, shape_after(place.nodes[:count], place.shape))


def forward(network: Architecture, ctx: Context) -> Chain:
    """Propagate kernels from the input to the outputs."""
    return advance(entrance(network), ctx)[0]


def _forward(nodes: tuple[Node, ...], kernel: Kernel, shape: Shape, ctx: Context) -> tuple[Chain, Kernel]:
    chain: Chain = []
    for node, inner in run(nodes, shape):
        layer = node.layer
        if isinstance(layer, Branching):
            chains, ends = zip(*(_forward(branch, kernel, inner, ctx) for branch in layer.arms()), strict=True)
            above, split = layer.join(ends, ctx)
            chain.append(Fork(node, *above.averages(), chains, split, kernel, ends, above))
        else:
            above, pull = layer.forward(kernel, ctx)
            chain.append(Step(node, layer.parameters(inner), *above.averages(), pull, kernel, above))
        kernel = above
    return chain, kernel
