"""Backward sweep: the gradient of one output from the outputs down to the input. Layer-agnostic."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, NamedTuple

from lrbound.forward.sweep import Fork
from lrbound.meanfield.gradient import Gradient, Share, at_output

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lrbound.forward.sweep import Chain, Step
    from lrbound.layers.base import Node


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
    gradient : float
        E |df/dh|^2 of one output f of the network, over all units and positions h of the layer's output.
    """

    node: Node
    parameters: int
    q: float
    q_xy: float
    share: Share | None
    exposed: bool
    gradient: float


def backward(chain: Chain, samples: float) -> Iterator[Term]:
    """Pull the gradient of one output back; yield the layers from the outputs to the input.

    Empties ``chain`` on the way, so that a layer's kernels are freed as soon as they have been used.
    """
    yield from Backward(at_output(samples)).through(chain)


class Backward:
    """The backward pass of a gradient along one chain; what observes it overrides ``step``, ``arms`` and ``meet``."""

    def __init__(self, gradient: Gradient, *, exposed: bool = True) -> None:
        self.gradient = gradient
        self.exposed = exposed

    def through(self, chain: Chain) -> Iterator[Term]:
        """Yield the layers of a chain from its end to its start, and empty it."""
        while chain:
            step = chain.pop()
            if isinstance(step, Fork):
                yield Term(step.node, 0, step.q, step.q_xy, None, self.exposed, self.gradient.size)
                yield from self._apart(step)
            else:
                size = self.gradient.size
                share = self.step(step)
                yield Term(step.node, step.parameters, step.q, step.q_xy, share, self.exposed, size)
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
