"""Through the layers and back: kernels forward, gradients backward. Knows no layer by name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lrbound.meanfield.gradient import Share, at_output
from lrbound.meanfield.kernel import white

if TYPE_CHECKING:
    from lrbound.layers.base import Context, Node, Pullback
    from lrbound.network import Network


@dataclass(frozen=True)
class Step:
    """One layer after the forward sweep: the order parameters of its output, and the way back."""

    node: Node
    parameters: int
    q: float
    q_xy: float
    pull: Pullback


@dataclass(frozen=True)
class Term:
    """One layer after both sweeps.

    Attributes
    ----------
    node : Node
    parameters : int
        Number of its learnable parameters.
    q, q_xy : float
        Order parameters of its output, averaged over positions.
    share : Share or None
        Its part of the Fisher value of the two directions; None without parameters.
    """

    node: Node
    parameters: int
    q: float
    q_xy: float
    share: Share | None


def forward(network: Network, ctx: Context) -> list[Step]:
    """Propagate kernels from the input to the outputs."""
    kernel = white(network.input.shape, network.input.mean_square, network.input.correlation)
    steps = []
    for node, shape in network.unrolled():
        kernel, pull = node.layer.forward(kernel, ctx)
        steps.append(Step(node, node.layer.parameters(shape), *kernel.averages(), pull))
    return steps


def backward(steps: list[Step], samples: float) -> Iterator[Term]:
    """Pull the gradient of one output back; yield the layers from the outputs to the input.

    Empties ``steps`` on the way, so that a layer's kernels are freed as soon as they have been used.
    """
    gradient = at_output(samples)
    while steps:
        step = steps.pop()
        gradient, share = step.pull(gradient)
        yield Term(step.node, step.parameters, step.q, step.q_xy, share)
