"""Through the layers and back: kernels forward, gradients backward. Knows no layer by name."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, NamedTuple

from lrbound.layers.base import Branching, Node, run, shape_after, unroll
from lrbound.meanfield.gradient import Gradient, Share, at_output
from lrbound.meanfield.kernel import Kernel, white

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lrbound.layers.base import Context, Pullback, Shape, Split
    from lrbound.network import Network


class Step(NamedTuple):
    """One layer after the forward sweep: the kernels below and above it, the order parameters above, and the way back."""

    node: Node
    parameters: int
    q: float
    q_xy: float
    pull: Pullback
    below: Kernel
    above: Kernel


class Fork(NamedTuple):
    """A branching layer after the forward sweep: the steps of its branches, and the way back into them.

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


class Term(NamedTuple):
    """One layer after both sweeps.

    Attributes
    ----------
    node : Node
    parameters : int
        Number of its own learnable parameters.
    q, q_xy : float
        Order parameters of its output, averaged over positions.
    share : Share or None
        Its part of the Fisher value of the two directions; None without parameters.
    exposed : bool
        Whether a path leads from its output to the network's that passes no layer which fixes the scale below it.
    """

    node: Node
    parameters: int
    q: float
    q_xy: float
    share: Share | None
    exposed: bool


class Place(NamedTuple):
    """A place on the way forward: the layers to come, with repeats written out, and what reaches the first of them."""

    nodes: tuple[Node, ...]
    kernel: Kernel
    shape: Shape


def entrance(network: Network) -> Place:
    """Return the place where a forward sweep starts."""
    kernel = white(network.input.shape, network.input.mean_square, network.input.correlation)
    return Place(tuple(unroll(network.nodes)), kernel, network.input.shape)


def advance(place: Place, ctx: Context, layers: int | None = None) -> tuple[Chain, Place]:
    """Propagate kernels through so many layers, or all of them; also return the place that is reached."""
    count = len(place.nodes) if layers is None else layers
    chain, kernel = _forward(place.nodes[:count], place.kernel, place.shape, ctx)
    return chain, Place(place.nodes[count:], kernel, shape_after(place.nodes[:count], place.shape))


def by_sample(kernel: Kernel, network: Network, ctx: Context) -> Chain:
    """Propagate a kernel on a map whose rows are samples and whose columns are positions (:class:`~lrbound.layers.base.Layer`)."""
    return _forward(tuple(unroll(network.nodes)), kernel, network.input.shape, ctx, single=True)[0]


def forward(network: Network, ctx: Context) -> Chain:
    """Propagate kernels from the input to the outputs."""
    return advance(entrance(network), ctx)[0]


def _forward(
    nodes: tuple[Node, ...], kernel: Kernel, shape: Shape, ctx: Context, *, single: bool = False
) -> tuple[Chain, Kernel]:
    chain: Chain = []
    for node, inner in run(nodes, shape):
        layer = node.layer
        if isinstance(layer, Branching):
            chains, ends = zip(
                *(_forward(branch, kernel, inner, ctx, single=single) for branch in layer.arms()), strict=True
            )
            above, split = layer.join(ends, ctx)
            chain.append(Fork(node, *above.averages(), chains, split, kernel, ends, above))
        else:
            above, pull = layer.by_sample(kernel, ctx) if single else layer.forward(kernel, ctx)
            chain.append(Step(node, layer.parameters(inner), *above.averages(), pull, kernel, above))
        kernel = above
    return chain, kernel


def backward(chain: Chain, samples: float) -> Iterator[Term]:
    """Pull the gradient of one output back; yield the layers from the outputs to the input.

    Empties ``chain`` on the way, so that a layer's kernels are freed as soon as they have been used.
    """
    yield from Backward(at_output(samples)).through(chain)


class Backward:
    """A gradient on its way down one chain; what watches it on the way overrides ``step``, ``arms`` and ``meet``."""

    def __init__(self, gradient: Gradient, *, exposed: bool = True) -> None:
        self.gradient = gradient
        self.exposed = exposed

    def through(self, chain: Chain) -> Iterator[Term]:
        """Yield the layers of a chain from its end to its start, and empty it."""
        while chain:
            step = chain.pop()
            if isinstance(step, Fork):
                yield Term(step.node, 0, step.q, step.q_xy, None, self.exposed)
                yield from self._apart(step)
            else:
                share = self.step(step)
                yield Term(step.node, step.parameters, step.q, step.q_xy, share, self.exposed)
                self.exposed &= not step.node.layer.fixes_scale

    def step(self, step: Step) -> Share | None:
        """Pull the gradient through one layer."""
        self.gradient, share = step.pull(self.gradient)
        return share

    def arms(self, fork: Fork) -> Sequence[Backward]:
        """Return a walk for each branch."""
        return [Backward(end, exposed=self.exposed) for end in fork.split(self.gradient)]

    def meet(self, fork: Fork, walks: Sequence[Backward]) -> None:
        """Go on below the branches."""
        del fork
        self.gradient = reduce(Gradient.plus, (walk.gradient for walk in walks))
        self.exposed = any(walk.exposed for walk in walks)

    def _apart(self, fork: Fork) -> Iterator[Term]:
        walks = self.arms(fork)
        for walk, chain in zip(walks, fork.chains, strict=True):
            yield from walk.through(chain)
        self.meet(fork, walks)
