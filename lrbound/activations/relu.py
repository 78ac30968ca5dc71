"""``relu``: phi(u) = max(u, 0).

E phi(u) phi(v) = s_a s_b (sqrt(1 - c^2) + c (pi/2 + asin c)) / (2 pi) and E phi'(u) phi'(v) = (pi/2 + asin c) / (2 pi)
at mean 0 and correlation c: Cho and Saul 2009, Kernel methods for deep learning, equation 6.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from lrbound.activations.base import Activation
from lrbound.meanfield.gaussian import Array, Kink, Pair, rectified, rectified_local
from lrbound.meanfield.gradient import Gradient

if TYPE_CHECKING:
    from torch import nn

    from lrbound.init import Init
    from lrbound.meanfield.contract import Context, Pullback, Shape
    from lrbound.meanfield.gradient import Share
    from lrbound.meanfield.kernel import Kernel
    from lrbound.meanfield.stream import Law, Level


@dataclass(frozen=True)
class Relu(Activation):
    """Rectified linear unit; its pair functions are exact at every mean."""

    @property
    def kinks(self) -> tuple[Kink, ...]:
        """One at 0, of the whole slope 1."""
        return (Kink(0.0, 1.0),)

    def value(self, u: Array) -> Array:
        """Return max(u, 0)."""
        return np.maximum(u, 0.0)

    def slope(self, u: Array) -> Array:
        """Return 1 above 0, 0 elsewhere."""
        return np.heaviside(u, 0.0)

    def pair(self, mean: float, sd_a: Array, sd_b: Array, rho: Array) -> Pair:
        """Return the arc-cosine kernels of order 1 and 0, and their kin."""
        return rectified(mean, sd_a, sd_b, rho)

    def local(self, mean: float, sd: Array) -> Pair:
        """Return the same for v = u."""
        return rectified_local(mean, sd)

    def forward(self, kernel: Kernel, ctx: Context) -> tuple[Kernel, Pullback]:
        """Map a Gaussian kernel, or one of a residual stream, whose law is tracked."""
        if kernel.law is not None and not kernel.gaussian:
            from lrbound.meanfield.stream import rectify

            return rectify(kernel)
        out, pull = super().forward(kernel, ctx)
        if not kernel.gaussian:
            return out, pull

        @cache
        def level() -> Level:
            from lrbound.meanfield.stream import Level, gaussian_law

            return Level(kernel.rows, kernel.cols, gaussian_law(kernel))

        def law() -> Law:
            from lrbound.meanfield.stream import after_relu

            return after_relu(level())

        def back(gradient: Gradient) -> tuple[Gradient, Share | None]:
            if gradient.masked:
                return Gradient(gradient.delta, gradient.excess, turning=gradient.turning), None
            if not gradient.passed:
                return pull(gradient)
            from lrbound.meanfield.stream import pull_masks

            return pull_masks(level(), gradient), None

        return out.becomes(
            out.pair, out.site, gaussian=False, law=law, middle=out.middle, near=out.near, cumulants=out.cumulants
        ), back

    def torch(self, shape: Shape, init: Init) -> nn.Module:
        """Build torch.nn.ReLU."""
        del shape, init
        from torch import nn

        return nn.ReLU()
