"""The solver's own maps, forward with all kernels kept, and small maps position by position.

The degrees of freedom of a stage depend on how a gradient is spread over the positions. Where a map is small, every
position is made a class of its own (:class:`~lrbound.meanfield.positions.Axis`), and the solver's maps then carry
matrices over positions, exactly. Larger maps stay by class: there a stage has so many degrees of freedom that the
spread it adds is small.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeGuard

from lrbound.finite.fan_in import FanIn
from lrbound.layers.base import Layer
from lrbound.meanfield.gradient import Gradient
from lrbound.meanfield.kernel import white
from lrbound.meanfield.positions import Axis

if TYPE_CHECKING:
    from lrbound.init import Init
    from lrbound.layers.squeeze_excite import SqueezeExcite
    from lrbound.meanfield.contract import Context, Pullback
    from lrbound.meanfield.kernel import Kernel
    from lrbound.network import Network

SMALL_MAP = 256
"""Positions up to which a map is taken position by position."""
WORK = 1_000_000
"""Pairs of such positions, added up over the layers, up to which that is done: about half a second."""


class Weighted(Protocol):
    """A layer that draws random weights: it can have an initialisation of its own, and biases."""

    init: Init | None
    bias: bool


def weighted(layer: object) -> TypeGuard[Weighted]:
    """Say whether a layer draws random weights. A plain function, because isinstance of a protocol is slow."""
    return hasattr(layer, "init") and hasattr(layer, "bias")


def squeezes(layer: Layer) -> TypeGuard[SqueezeExcite]:
    """Say whether a layer is a gate of channels, whose module few networks need."""
    return layer.kind == "squeeze_excite"


class Visit(NamedTuple):
    """One layer after the forward sweep: the kernels below and above it, and the way back.

    A bare :class:`~lrbound.layers.base.Layer` marks where the classes of positions are taken apart. ``lean`` is what masks
    above a weight layer add to the kernel that its coherent value sees (see :mod:`lrbound.finite.fan_in`).
    """

    layer: Layer
    below: Kernel
    above: Kernel
    pull: Pullback
    lean: Kernel | None = None


def visits(network: Network, ctx: Context) -> list[Visit]:
    """Return the layers of a network without branches in the order in which they run."""
    kernel = white(network.input.shape, network.input.mean_square, network.input.correlation)
    largest = _largest_resolved(network)
    found: list[Visit] = []
    spread = FanIn(kernel.channels)
    for node, _ in network.unrolled():
        if 1 < kernel.positions <= largest:
            finer = resolved(kernel)
            if finer is not kernel:
                found.append(Visit(Layer(), kernel, finer, partial(_lumped, kernel)))
                kernel = finer
        above, pull = node.layer.forward(kernel, ctx)
        above, lean = _spread(spread, node.layer, kernel, above, ctx)
        if lean is not None:
            _leaning(found, lean)
        found.append(Visit(node.layer, kernel, above, pull))
        kernel = above
    return found


def _spread(spread: FanIn, layer: Layer, below: Kernel, above: Kernel, ctx: Context) -> tuple[Kernel, Kernel | None]:
    """Pass a layer; return the kernel above it as it is at finite fan-in, and what the weights under it see more."""
    statistics = layer.statistics(below.channels, ctx.samples)
    whole = layer
    if weighted(layer):
        uniform = (layer.init or ctx.init).distribution == "uniform"
        fan_in = whole.parameters((below.channels,)) // above.channels - layer.bias
        spread.weights(below, getattr(layer, "window", None), fan_in, uniform=uniform)
    elif statistics is not None:
        spread.normaliser(statistics.channels, statistics.alpha)
    elif layer.kind == "flatten":
        spread.flatten(below)
    elif layer.curve is not None and below.gaussian and not below.parts:
        return spread.activation(layer.curve, below, above)
    return above, None


def _leaning(found: list[Visit], lean: Kernel) -> None:
    """Note on the weight layer under the masks what they add to the kernel that its coherent value sees."""
    at = next((at for at in range(len(found) - 1, -1, -1) if weighted(found[at].layer)), None)
    if at is None:
        return
    place = found[at]
    if (lean.rows, lean.cols) != (place.above.rows, place.above.cols):
        return
    found[at] = place._replace(lean=lean)


def _largest_resolved(network: Network) -> int:
    """Return the number of positions of the largest maps that the work allows."""
    maps = sorted(math.prod(shape[1:]) for _, shape in network.unrolled() if len(shape) == 3)
    work, largest = 0, 0
    for positions in maps:
        work += positions**2
        if positions > SMALL_MAP or work > WORK:
            break
        largest = positions
    return largest


def resolved(kernel: Kernel) -> Kernel:
    """Return the same kernel with every position a class of its own."""
    if kernel.resolved:
        return kernel
    rows, cols = kernel.rows, kernel.cols
    from lrbound.meanfield.regroup import regroup

    fine_rows, fine_cols = _singletons(rows.size), _singletons(cols.size)
    return regroup(kernel.rows, kernel.cols, fine_rows, fine_cols).kernel(kernel, fine_rows, fine_cols)


def _singletons(size: int) -> Axis:
    return Axis(tuple(range(size)))


def _lumped(kernel: Kernel, gradient: Gradient) -> tuple[Gradient, None]:
    """Add the sums over single positions up to those over the classes of ``kernel``."""
    from lrbound.meanfield.regroup import regroup

    way = regroup(kernel.rows, kernel.cols, _singletons(kernel.rows.size), _singletons(kernel.cols.size))
    return Gradient(way.backward(gradient.delta, kernel.near), masked=gradient.masked), None
