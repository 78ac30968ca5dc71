"""What a way back through a network with branches notes down: weight layers, places that add spread, and forks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from lrbound.finite.unit import LINEAR, Unit

if TYPE_CHECKING:
    from lrbound.finite.freedom import Freedom
    from lrbound.finite.routes import Shares
    from lrbound.finite.tangent import Passage
    from lrbound.meanfield.kernel import Kernel


@dataclass(eq=False)
class Layer:
    """A weight layer, and the stage under it: what its Wishart step averages over."""

    coherent: float
    complement: float
    coherence: float
    width: float
    own_width: float
    own: float
    own_alike: float
    crossed: float
    of_inputs: float
    law: Unit = LINEAR
    freedom: Freedom | None = None
    inverse_kurtosis: float = 1.0
    normalised: bool = False
    arm: int | None = None
    mixing: float = 0.0


@dataclass(eq=False)
class Spread:
    """A place that adds spread, or that changes how a norm is passed on."""

    law: Unit
    norms: float = np.inf
    masks: float = np.inf
    shared: float = np.inf
    linear: float = 1.0
    loose: float = 1.0
    fixed: float = 0.0
    stream: object = None
    depth: float = 0.0
    from_below: float | None = None
    own: float = 1.0
    overlap: float = 0.0
    overlap_norm: float = 0.0


@dataclass(eq=False)
class Forking:
    """A fork whose shares are still to be taken below it; ``ways`` run from the outputs down."""

    ways: list[list[Layer | Spread | Forking]]
    energy: Shares
    flow: Shares | None = None


@dataclass(eq=False)
class Found:
    """What all walks have collected, from the outputs down; ``inputs`` is the kernel of the inputs."""

    inputs: Kernel
    layers: list[Layer] = field(default_factory=list)
    sources: list[Spread] = field(default_factory=list)
    tangents: dict[int, Passage] = field(default_factory=dict)

    @property
    def flat(self) -> bool:
        """Say whether no layer is on a map."""
        return self.inputs.positions == 1
