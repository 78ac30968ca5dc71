"""The solver's maps position by position: the oracle of what is carried by classes and at neighbours.

Every position is a class of its own, and all of S and X is in the pairs: no neighbours, no averages over classes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lrbound.layers.base import Branching, run
from lrbound.meanfield.gradient import Gradient, Share, at_output
from lrbound.meanfield.kernel import Kernel, white
from lrbound.meanfield.positions import Axis
from lrbound.meanfield.regroup import regroup

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lrbound.layers.base import Node
    from lrbound.meanfield.contract import Context, Shape
    from lrbound.meanfield.gradient import Sums
    from lrbound.network import Network

    Back = Callable[[Gradient], tuple[Gradient, list[tuple[str, Share]]]]


def shares(network: Network, ctx: Context) -> dict[str, Share]:
    """Return the Fisher values of every layer with parameters, by its path."""
    kernel, _ = resolved(white(network.input.shape, network.input.mean_square, network.input.correlation))
    _, back = _chain(network.nodes, kernel, network.input.shape, ctx)
    return dict(back(at_output(ctx.samples))[1])


def resolved(kernel: Kernel) -> tuple[Kernel, Callable[[Gradient], Gradient]]:
    """Return a kernel with every position a class of its own and nothing beside the pairs, and the way back."""
    rows, cols = (Axis(tuple(range(axis.size))) for axis in (kernel.rows, kernel.cols))
    way = regroup(kernel.rows, kernel.cols, rows, cols)
    fine = way.kernel(kernel, rows, cols)

    def lumped(sums: Sums) -> Sums:
        near = None if fine.near is None else fine.near.of(fine.near.at(sums.pair))
        return way.backward(replace(sums, near=near), kernel.near)

    def back(gradient: Gradient) -> Gradient:
        lean = gradient.excess
        excess = None if lean is None else lambda: lumped(lean())
        return Gradient(lumped(gradient.delta), excess, masked=gradient.masked)

    return fine.even, back


def _chain(nodes: tuple[Node, ...], kernel: Kernel, shape: Shape, ctx: Context) -> tuple[Kernel, Back]:
    steps: list[Back] = []
    for node, inner in run(nodes, shape):
        kernel, back = _step(node, kernel, inner, ctx)
        steps.append(back)

    def through(gradient: Gradient) -> tuple[Gradient, list[tuple[str, Share]]]:
        found: list[tuple[str, Share]] = []
        for back in reversed(steps):
            gradient, more = back(gradient)
            found += more
        return gradient, found

    return kernel, through


def _step(node: Node, kernel: Kernel, shape: Shape, ctx: Context) -> tuple[Kernel, Back]:
    layer = node.layer
    if isinstance(layer, Branching):
        ends, backs = zip(*(_chain(arm, kernel, shape, ctx) for arm in layer.arms()), strict=True)
        above, split = layer.join(ends, ctx)
        fine, lump = resolved(above)

        def join(gradient: Gradient) -> tuple[Gradient, list[tuple[str, Share]]]:
            walks = [back(end) for back, end in zip(backs, split(lump(gradient)), strict=True)]
            total = walks[0][0]
            for below, _ in walks[1:]:
                total = total.plus(below)
            return total, list(_every(walks))

        return fine, join
    above, pull = layer.forward(kernel, ctx)
    fine, lump = resolved(above)

    def one(gradient: Gradient) -> tuple[Gradient, list[tuple[str, Share]]]:
        below, share = pull(lump(gradient))
        return below, [] if share is None else [(node.path, share)]

    return fine, one


def _every(walks: list[tuple[Gradient, list[tuple[str, Share]]]]) -> Iterator[tuple[str, Share]]:
    for _, found in walks:
        yield from found
