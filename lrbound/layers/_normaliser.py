"""What every normaliser says about itself, and which layers stand where one is put into a network."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

from lrbound.layers.base import Layer
from lrbound.meanfield.single_samples import normalised, uneven_units

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lrbound.activations.base import Activation
    from lrbound.layers.base import Context, Pullback, Shape
    from lrbound.meanfield.kernel import Kernel

USUAL_GROUPS = 32
"""Of Wu and He 2018."""
FEWEST_CHANNELS = 2
"""Of a default group; with one channel a group, group norm is instance norm and batch group norm is batch norm."""
FEWEST_VALUES = 8
"""Of a default group: with 5 or fewer, the mean of 1/variance rests on rare samples (theory of the normalisers,
section 9)."""


@dataclass(frozen=True)
class Normaliser(Layer):
    """Base of the normalisers.

    A subclass says in ``year`` when its paper appeared, by which tables are ordered, and in ``why``, in a phrase, what
    stays coherent under it and how it depends on the batch size.
    """

    year: ClassVar[int]
    why: ClassVar[str]

    @classmethod
    def fitting(cls, shape: Shape, given: Mapping[str, Any]) -> Self:
        """Return the normaliser for values of ``shape``, with the arguments that are given and defaults for the others."""
        del shape
        return cls(**given)

    def by_sample(self, kernel: Kernel, ctx: Context) -> tuple[Kernel, Pullback]:
        """Scale every sample by itself, or all by the batch of them."""
        statistics = self.statistics(kernel.channels, ctx.samples)
        if statistics is None:
            return self.forward(kernel, ctx)
        if statistics.batch:
            return uneven_units(kernel, statistics, *self.forward(kernel, ctx), through=ctx.through)
        gamma, beta, eps = (getattr(self, name, 0.0) for name in ("gamma", "beta", "eps"))
        return normalised(kernel, statistics, gamma=gamma, beta=beta, eps=eps)

    @classmethod
    def standing(cls, shape: Shape, given: Mapping[str, Any], above: Activation | None) -> tuple[Layer, ...]:
        """Return the layers that normalise values of ``shape`` and then apply ``above``."""
        return (cls.fitting(shape, given), *(() if above is None else (above,)))


def default_groups(shape: Shape) -> int:
    """Return a number of groups for an input of ``shape``: 32, or the nearest number that divides the channels."""
    channels, positions = shape[0], math.prod(shape[1:])
    fitting = [
        groups
        for groups in range(1, channels // FEWEST_CHANNELS + 1)
        if channels % groups == 0 and channels // groups * positions >= FEWEST_VALUES
    ]
    return min(fitting, key=lambda groups: abs(math.log(groups / USUAL_GROUPS)), default=1)
