"""What every normaliser says about itself, and which layers stand where one is put into a network."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

from lrbound.fields import flag, number
from lrbound.layers.base import Layer
from lrbound.meanfield.normaliser import normaliser
from lrbound.meanfield.single_samples import normalised, uneven_units

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn

    from lrbound.activations.base import Activation
    from lrbound.init import Init
    from lrbound.meanfield.contract import Context, Pullback, Shape
    from lrbound.meanfield.kernel import Kernel

USUAL_GROUPS = 32
"""Of Wu and He 2018."""
FEWEST_CHANNELS = 2
"""Of a default group; with one channel a group, group norm is instance norm and batch group norm is batch norm."""
FEWEST_VALUES = 8
"""Of a default group: with 5 or fewer, the mean of 1/variance rests on rare samples (lrbound/theory/normalisers.md,
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


@dataclass(frozen=True)
class Affine(Normaliser):
    """Base of the normalisers gamma (z - mean)/sqrt(var + eps) + beta with gamma and beta per channel.

    A subclass says in ``statistics`` what mean and variance are taken over, and in ``module`` which torch module that is.
    """

    gamma: float = number("scale at initialisation", 1.0)
    beta: float = number("shift at initialisation", 0.0)
    eps: float = number("added to the variance", 1e-5, ge=0)
    learnable: bool = flag("whether gamma and beta are trained", True)

    def parameters(self, shape: Shape) -> int:
        """Count gamma and beta of every channel."""
        return 2 * shape[0] if self.learnable else 0

    def forward(self, kernel: Kernel, ctx: Context) -> tuple[Kernel, Pullback]:
        """Centre and scale the kernel; the pullback removes what the statistics absorb."""
        statistics = self.statistics(kernel.channels, ctx.samples)
        assert statistics is not None
        return normaliser(
            kernel,
            ctx,
            statistics,
            eps=self.eps,
            gamma=self.gamma,
            beta=self.beta,
            learnable=(self.learnable, self.learnable),
        )

    def module(self, shape: Shape) -> nn.Module:
        """Return the torch module for inputs of ``shape``, with parameters ``weight`` (gamma) and ``bias`` (beta)."""
        raise NotImplementedError(self.kind)

    def torch(self, shape: Shape, init: Init) -> nn.Module:
        """Build the module with gamma and beta as the spec says."""
        del init
        from lrbound.normalizers import initialised

        return initialised(self.module(shape), self.gamma, self.beta, learnable=self.learnable)


def default_groups(shape: Shape) -> int:
    """Return a number of groups for an input of ``shape``: 32, or the nearest number that divides the channels."""
    channels, positions = shape[0], math.prod(shape[1:])
    fitting = [
        groups
        for groups in range(1, channels // FEWEST_CHANNELS + 1)
        if channels % groups == 0 and channels // groups * positions >= FEWEST_VALUES
    ]
    return min(fitting, key=lambda groups: abs(math.log(groups / USUAL_GROUPS)), default=1)
