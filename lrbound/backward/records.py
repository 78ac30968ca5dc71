"""What the backward pass through a network with branches records: weight layers, places that add spread, and forks."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lrbound.backward.unit_moments import LINEAR, Unit

if TYPE_CHECKING:
    from collections.abc import Callable

    from lrbound.backward.dof import DegreesOfFreedom
    from lrbound.backward.graph import Shares
    from lrbound.backward.norm_response import Response
    from lrbound.backward.ntk import Passage
    from lrbound.meanfield.kernel import Kernel
    from lrbound.meanfield.positions import Array


LEAST = 1e-9
"""Of a variance, what is rounding where the rest of it is 0."""


class Step(NamedTuple):
    """A stage's Wishart step: degrees of freedom as in :class:`~lrbound.backward.layerwise.LayerwiseStatistics`, and what varies in it.

    ``common`` is the kurtosis of the slopes' products of two samples over that of one, and ``alone`` nu/nu' for nu' degrees
    of freedom without the masks that only this stage has.
    """

    one_sample: float
    batch_mean: float
    bulk: float
    mixing: float
    common: float
    alone: float


@dataclass(eq=False)
class Stage:
    """What lies under a weight layer, or in part of its inputs: what the Wishart step averages over.

    Where the inputs are branches side by side, ``pieces`` are theirs, and ``sizes`` how the layer's Gram matrix is made up of
    them. ``masks`` is the kurtosis of random masks above the activation: derivatives of max pools, and dropout. ``isometric`` is
    what orthogonal weights take off 1/nu (lrbound/theory/finite.md, section 8).
    """

    law: Unit = LINEAR
    masks: float = 1.0
    freedom: DegreesOfFreedom | None = None
    inverse_kurtosis: float = 1.0
    normalised: bool = False
    arm: int | None = None
    mixing: float = 0.0
    pieces: list[Stage] = field(default_factory=list)
    sizes: Shares | None = None
    isometric: float = 0.0

    def split(self, sizes: Shares) -> list[Stage]:
        """Return a piece for each of the branches side by side that the stage goes on in."""
        self.pieces, self.sizes = [Stage(masks=self.masks) for _ in sizes.complement], sizes
        return self.pieces

    @cached_property
    def step(self) -> Step:
        """The whole step, once the backward pass is over. The pieces' units are different, so that shares c of nu degrees add variances c^2/nu."""
        if self.sizes is None:
            masks = 1.0 if self.arm is not None else self.law.one * self.inverse_kurtosis
            common, alone = 1.0 - self.law.gain / self.law.one, 1.0 / masks
            if self.freedom is None:
                return Step(np.inf, np.inf, np.inf, self.mixing, common, alone)
            one, mean, bulk = (self._kept(count / self.inverse_kurtosis) for count in self.freedom[:3])
            return Step(one, mean, bulk, self.mixing, common, alone)
        steps = [piece.step for piece in self.pieces]
        squares = self.sizes.complement**2, self.sizes.coherent**2

        def joined(name: str, square: Array) -> float:
            total = float(square @ [1.0 / getattr(step, name) for step in steps])
            return 1.0 / total if total > 0.0 else np.inf

        varying = squares[0] * [1.0 / step.one_sample for step in steps]
        varying = varying / varying.sum() if varying.any() else self.sizes.complement
        return Step(
            joined("one_sample", squares[0]),
            joined("batch_mean", squares[1]),
            joined("bulk", squares[0]),
            float(squares[1] @ [step.mixing for step in steps]),
            float(varying @ [step.common for step in steps]),
            float(varying @ [step.alone for step in steps]),
        )

    def _kept(self, count: float) -> float:
        """Return the degrees of freedom that orthogonal weights leave."""
        spread = 1.0 / count - self.isometric
        return count if not self.isometric else 1.0 / spread if spread > 0.0 else np.inf

    def under_statistics(self) -> bool:
        """Say whether all of it ends at batch statistics."""
        return all(piece.under_statistics() for piece in self.pieces) if self.pieces else self.normalised


@dataclass(eq=False)
class Layer:
    """A weight layer, and the stage under it."""

    coherent: float
    complement: float
    coherence: float
    width: float
    own_width: float
    own: float
    own_alike: float
    crossed: float
    of_inputs: float
    gradients_alike: float
    pattern: float
    pattern_width: float
    stage: Stage = field(default_factory=Stage)


@dataclass(eq=False)
class VarianceSource:
    """A place that adds spread, or that changes how a norm is passed on.

    ``response`` is what it does to samples that stand out, None where it passes them on as they are; ``fixed_mean`` says whether
    it keeps the mean of the samples' squared distances, as batch statistics do.
    """

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
    width: float = np.inf
    response: Callable[[], Response] | None = None
    fixed_mean: bool = False


@dataclass(eq=False)
class OpenFork:
    """A fork whose shares are still to be taken below it; ``ways`` run from the outputs down."""

    ways: list[list[Layer | VarianceSource | OpenFork]]
    energy: Shares
    flow: Shares | None = None


@dataclass(eq=False)
class Collected:
    """What all walks have collected, from the outputs down; ``inputs`` is the kernel of the inputs."""

    inputs: Kernel
    layers: list[Layer] = field(default_factory=list)
    sources: list[VarianceSource] = field(default_factory=list)
    tangents: dict[int, Passage] = field(default_factory=dict)

    @property
    def resolved(self) -> bool:
        """Say whether the sweep was asked to take maps position by position."""
        return self.inputs.resolved and self.inputs.positions > 1

    @property
    def flat(self) -> bool:
        """Say whether no layer is on a map."""
        return self.inputs.positions == 1
