"""Through the layers and back: kernels forward, gradients backward. Knows no layer by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lrbound.meanfield.gradient import Share, at_output
from lrbound.meanfield.kernel import white

if TYPE_CHECKING:
    from lrbound.layers.base import Context, Node, Pullback
    from lrbound.network import Network


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


def sweep(network: Network, ctx: Context) -> tuple[Term, ...]:
    """Propagate kernels to the outputs and gradients back; return the layers in the order in which they run."""
    kernel = white(network.input.shape, network.input.mean_square, network.input.correlation)
    passed: list[tuple[Node, int, tuple[float, float], Pullback]] = []
    for node, shape in network.unrolled():
        kernel, pull = node.layer.forward(kernel, ctx)
        passed.append((node, node.layer.parameters(shape), kernel.averages(), pull))
    gradient = at_output(ctx.samples)
    terms: list[Term] = []
    while passed:  # popping frees a layer's kernels as soon as they have been used
        node, parameters, (q, q_xy), pull = passed.pop()
        gradient, share = pull(gradient)
        terms.append(Term(node, parameters, q, q_xy, share))
    return tuple(reversed(terms))
