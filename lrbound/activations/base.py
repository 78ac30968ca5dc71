"""What every activation is: an elementwise function, its slope, and their means over pairs of Gaussians."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from lrbound.layers.base import Layer
from lrbound.meanfield.activate import activate
from lrbound.meanfield.gaussian import Array, Kink, Pair, local, series

if TYPE_CHECKING:
    from lrbound.meanfield.contract import Context, Pullback
    from lrbound.meanfield.kernel import Kernel


@dataclass(frozen=True)
class Activation(Layer):
    """Base of the activations; a subclass says what phi, phi' and the torch module are, and where phi' jumps.

    It may override ``pair`` and ``local`` with closed forms; the ones here are good for any function that is continuous,
    and smooth apart from its ``kinks``. Where phi itself jumps, as a step function does, no gradient descent moves the
    weights below, and there is no activation of that sort.
    """

    largest: ClassVar[float] = math.inf
    """Supremum of |phi|."""

    @property
    def curve(self) -> Activation:
        """The function itself."""
        return self

    @property
    def kinks(self) -> tuple[Kink, ...]:
        """All places u0 with a jump phi'(u0 + 0) - phi'(u0 - 0) of the slope; none in a smooth function."""
        return ()

    def value(self, u: Array) -> Array:
        """Return phi(u)."""
        raise NotImplementedError(self.kind)

    def slope(self, u: Array) -> Array:
        """Return phi'(u); at a kink, either side's or anything between."""
        raise NotImplementedError(self.kind)

    def pair(self, mean: float, sd_a: Array, sd_b: Array, rho: Array) -> Pair:
        """Return the means over u = mean + sd_a z, v = mean + sd_b z' with E z z' = rho.

        Parameters
        ----------
        mean : float
            Mean of both.
        sd_a, sd_b : Array
            Standard deviations, broadcastable against ``rho``; leave them unbroadcast, it is cheaper.
        rho : Array
            Correlations; values just outside [-1, 1] are clipped.
        """
        return series(self, mean, sd_a, sd_b, rho)

    def slopes(self, mean: float, sd_a: Array, sd_b: Array, rho: Array) -> Array:
        """Return E phi'(u) phi'(v), the slope of :meth:`pair`."""
        return self.pair(mean, sd_a, sd_b, rho).slope

    def local(self, mean: float, sd: Array) -> Pair:
        """Return the same means for v = u = mean + sd z."""
        return local(self, mean, sd)

    def bound(self, inner: float) -> float:
        """Return the supremum of |phi|."""
        del inner
        return self.largest

    def forward(self, kernel: Kernel, ctx: Context) -> tuple[Kernel, Pullback]:
        """Map the kernel of a Gaussian input position by position."""
        return activate(self, kernel, ctx)
