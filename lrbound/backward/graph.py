"""The ways through a network with branches: how a flow of gradients parts at a fork, and how norms meet at a join.

A network is a chain of weight layers, of places that add spread (an activation, batch statistics), and of forks, whose
arms are chains. In a network without branches everything below a stage flows through it, and Q_m is a running sum. Past a
fork, each arm takes its share phi of what lies below the fork, and adds its own layers:

    flow at the bottom of an arm = phi_arm * flow below the fork,        flow above the join = the arms' flows added.

A step of nu degrees of freedom on a share c_m of the whole Q_m below it moves the top as nu (Q_m/c_m)^2 would on all of it
(the variance that it adds is c_m^2/nu; heuristic beyond that order). Where the arms' gradients add up below a fork, the
fresh weights at the bottom of an arm also meet what came down the other arms: the products of the two have a mean of 0 and
add 2 c_m (T_m - c_m)/nu', T_m the flow below the fork and nu' counted without masks that only this arm has (derived). Norms run the other way. What a join is worth comes
down in the proportion of the energies of its arms, and the arms' worths add at the fork.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from lrbound.backward.shared_stream import Readers
    from lrbound.meanfield.positions import Array


class Shares(NamedTuple):
    """One number for each arm of a fork, adding up to 1."""

    coherent: Array
    complement: Array


@dataclass(frozen=True)
class Weights:
    """A weight layer, by its place in the row of them.

    Attributes
    ----------
    index : int
    alone : float
        nu/nu' of the stage under it.
    """

    index: int
    alone: float = 1.0


@dataclass(frozen=True)
class Source:
    """A place that adds spread to the norms that pass, by its place in the row of them."""

    index: int


@dataclass(frozen=True)
class Branches:
    """A fork and its join.

    Attributes
    ----------
    arms : tuple of Chain
    flow : Shares
        phi: how what lies below the fork flows through the arms.
    energy : Shares
        How the join's squared norm (of the batch's mean, and around it) is made up.
    """

    arms: tuple[Chain, ...]
    flow: Shares
    energy: Shares

    @property
    def lowest(self) -> list[Weights | None]:
        """The first weight layer of each arm, where one comes before another fork."""
        found: list[Weights | None] = []
        for arm in self.arms:
            first = next((place for place in arm if not isinstance(place, Source)), None)
            found.append(first if isinstance(first, Weights) else None)
        return found


Chain = tuple[Weights | Source | Branches, ...]
"""From the input on."""


@dataclass(frozen=True)
class Flow:
    """What flows into each weight layer but the first, and through each source.

    ``stages`` has what a layer's weights meet on other arms in it, as the flow c with c^2/nu their whole effect.
    """

    stages: Array
    sources: Array


@dataclass(frozen=True)
class Routes:
    """All ways through a network.

    Attributes
    ----------
    chain : Chain
    weights, sources : int
        How many there are.
    readers : tuple of Readers
        The sources that have units in common, stream by stream.
    """

    chain: Chain
    weights: int
    sources: int
    readers: tuple[Readers, ...]

    @property
    def branches(self) -> bool:
        """Whether there is a fork."""
        return any(isinstance(place, Branches) for place in self.chain)

    def flow(self, values: Array, *, coherent: bool = False) -> Flow:
        """Return where the layers' parts ``values`` of a sum flow on their way up."""
        into, through = np.zeros(self.weights), np.zeros(self.sources)
        met = np.zeros(self.weights)

        def climb(chain: Chain, flow: float) -> float:
            for place in chain:
                if isinstance(place, Weights):
                    into[place.index] = flow
                    flow += float(values[place.index])
                elif isinstance(place, Source):
                    through[place.index] = flow
                else:
                    shares = place.flow.coherent if coherent else place.flow.complement
                    parts = [flow * share for share in shares.tolist()]
                    for arm, (lowest, part) in enumerate(zip(place.lowest, parts, strict=True)):
                        if lowest is not None:
                            others = zip(place.lowest, parts, strict=True)
                            beside = [p if other else 2.0 * p for at, (other, p) in enumerate(others) if at != arm]
                            met[lowest.index] = lowest.alone * part * sum(beside)
                    flow = sum(climb(arm, part) for arm, part in zip(place.arms, parts, strict=True))
            return flow

        climb(self.chain, 0.0)
        return Flow(np.sqrt(into**2 + met)[1:], through)

    def freedoms(self, values: Array, freedoms: Array, *, coherent: bool = False) -> Array:
        """Return the degrees of freedom that steps on all that lies below would need for the same effect."""
        part, whole = self.flow(values, coherent=coherent).stages, np.cumsum(values)[:-1]
        share = np.divide(part, whole, out=np.zeros_like(part), where=whole > 0.0)
        return np.asarray(freedoms / np.maximum(share, 1e-9) ** 2)

    def carried(self, values: Array, through: Array, slope: Array, reaction: Array, *, coherent: bool = False) -> Array:
        """Return the weight of a logarithm injected at the input and at each source, shape (sources + 1,).

        Parameters
        ----------
        values : ndarray (weights,)
            Each weight layer's share of the whole.
        through, slope, reaction : ndarray (sources,)
            The flow through a source, how it passes a norm on, and how its gain reacts.
        """
        found = np.zeros(self.sources + 1)

        def descend(chain: Chain, worth: float) -> float:
            for place in reversed(chain):
                if isinstance(place, Weights):
                    worth += float(values[place.index])
                elif isinstance(place, Source):
                    at = place.index
                    found[at + 1] = worth
                    worth = float(slope[at]) * worth + float(reaction[at] * through[at])
                else:
                    shares = place.energy.coherent if coherent else place.energy.complement
                    parts = zip(place.arms, shares.tolist(), strict=True)
                    worth = sum(descend(arm, worth * share) for arm, share in parts)
            return worth

        found[0] = descend(self.chain, 0.0)
        return found
