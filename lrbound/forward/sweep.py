"""Forward sweep: kernels from the input through every layer to the outputs. Knows no layer by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from lrbound.errors import Refused
from lrbound.layers.base import Branching, Node, run, shape_after, unroll
from lrbound.meanfield.kernel import Kernel, white

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrbound.architecture import Architecture
    from lrbound.layers.base import Layer
    from lrbound.meanfield.contract import Context, Pullback, Shape, Split


class SphereRatios(NamedTuple):
    """Ratios of a stage's means between the sphere and the Gaussian law.

    Attributes
    ----------
    varying : float
        Of A - X.
    mean : float
        Of A + (n-1) X.
    passed : float
        Of rP.
    from_ones : float
        Of r1.
    slopes : float
        Of M.
    cross : float
        Of M0.
    """

    varying: float
    mean: float
    passed: float
    from_ones: float
    slopes: float
    cross: float


ALL_ZERO = "{0}: all values that reach it are 0 at the start, {1}; give the weights under it an initialisation that is not zeros"
GAUSSIAN = SphereRatios(1.0, 1.0, 1.0, 1.0, 1.0, 1.0)


class Step(NamedTuple):
    """One layer after the forward sweep: the kernels below and above it, the order parameters above, and the pullback.

    ``lean`` is what activations above a weight layer add, at finite fan-in, to the kernel of its inputs that its gradient meets
    (see :mod:`lrbound.forward.fan_in`); ``sphere`` what a small batch does to means of its activation (:mod:`lrbound.forward.small_batch`).
    """

    node: Node
    parameters: int
    q: float
    q_xy: float
    pull: Pullback
    below: Kernel
    above: Kernel
    lean: Kernel | None = None
    sphere: SphereRatios | None = None

    def above_is(self, kernel: Kernel) -> Step:
        """Return the layer with another kernel above it."""
        q, q_xy = kernel.averages()
        return self._replace(q=q, q_xy=q_xy, above=kernel)


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


class Correction(Protocol):
    """What moves kernels on their way up in a finite network (:mod:`lrbound.forward.fan_in`)."""

    def passed(self, step: Step, below: Chain) -> Step:
        """Return a layer with its true kernel above; note on the layers ``below``, whose chain ends under it, what they see."""

    def arm(self) -> Correction:
        """Return what goes up one branch of a fork."""

    def joined(self, arms: Sequence[Correction], fork: Fork) -> None:
        """Go on above a join."""


class Place(NamedTuple):
    """A place on the way forward: the layers to come, with repeats written out, and what reaches the first of them."""

    nodes: tuple[Node, ...]
    kernel: Kernel
    shape: Shape


def entrance(network: Architecture) -> Place:
    """Return the place where a forward sweep starts."""
    kernel = white(network.input.shape, network.input.mean_square, network.input.correlation)
    return Place(tuple(unroll(network.nodes)), kernel, network.input.shape)


def advance(
    place: Place, ctx: Context, layers: int | None = None, *, correction: Correction | None = None
) -> tuple[Chain, Place]:
    """Propagate kernels through so many layers, or all of them; also return the place that is reached."""
    count = len(place.nodes) if layers is None else layers
    chain, kernel = _forward(place.nodes[:count], place.kernel, place.shape, ctx, correction)
    return chain, Place(place.nodes[count:], kernel, shape_after(place.nodes[:count], place.shape))


def by_sample(kernel: Kernel, network: Architecture, ctx: Context) -> Chain:
    """Propagate a kernel on a map whose rows are samples and whose columns are positions (:class:`~lrbound.layers.base.Layer`)."""
    return _forward(tuple(unroll(network.nodes)), kernel, network.input.shape, ctx, None, single=True)[0]


def forward(network: Architecture, ctx: Context, *, correction: Correction | None = None) -> Chain:
    """Propagate kernels from the input to the outputs."""
    return advance(entrance(network), ctx, correction=correction)[0]


def _forward(
    nodes: tuple[Node, ...],
    kernel: Kernel,
    shape: Shape,
    ctx: Context,
    correction: Correction | None,
    *,
    single: bool = False,
) -> tuple[Chain, Kernel]:
    chain: Chain = []
    for node, inner in run(nodes, shape):
        layer = node.layer
        if isinstance(layer, Branching):
            fork = _branches(node, layer, (kernel, inner), ctx, correction, single=single)
            kernel = fork.above
            chain.append(fork)
        else:
            try:
                here = ctx.at(node.path)
                _something_flows(layer, kernel, chain)
                above, pull = layer.by_sample(kernel, here) if single else layer.forward(kernel, here)
            except Refused as error:
                error.place(node.line, node.column)
                raise
            step = Step(node, layer.parameters(inner), *above.averages(), pull, kernel, above)
            if correction is not None:
                step = correction.passed(step, chain)
            kernel = step.above
            chain.append(step)
    return chain, kernel


def _something_flows(layer: Layer, kernel: Kernel, below: Chain) -> None:
    """Raise Refused where weights that start at 0 leave a layer without a derivative that means anything."""
    if kernel.averages()[0] != 0.0:
        return
    if layer.rescales:
        raise Refused(ALL_ZERO.format(layer.kind, "so that it divides by the root of its eps alone"))
    weights = bool(below) and isinstance(below[-1], Step) and below[-1].node.layer.has_weights
    if weights and layer.curve is not None and any(kink.place == 0.0 for kink in layer.curve.kinks):
        raise Refused(ALL_ZERO.format(layer.kind, "where its slope jumps and torch lets no gradient through"))


def _branches(
    node: Node,
    layer: Branching,
    start: tuple[Kernel, Shape],
    ctx: Context,
    correction: Correction | None,
    *,
    single: bool,
) -> Fork:
    arms = layer.arms()
    ways = [None if correction is None else correction.arm() for _ in arms]
    chains, ends = zip(
        *(_forward(arm, *start, ctx, way, single=single) for arm, way in zip(arms, ways, strict=True)), strict=True
    )
    try:
        above, split = layer.join(ends, ctx.at(node.path))
    except Refused as error:
        error.place(node.line, node.column)
        raise
    fork = Fork(node, *above.averages(), chains, split, start[0], ends, above)
    if correction is not None:
        correction.joined([way for way in ways if way is not None], fork)
    return fork
