"""What layers and the mean-field maps agree on: shapes, what a sweep knows, functions of single values, and ways back.

The theory's maps take and return these; it knows no layer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from lrbound.meanfield.gaussian import Curve

if TYPE_CHECKING:
    from lrbound.init import Init
    from lrbound.meanfield.gaussian import Array, Pair
    from lrbound.meanfield.gradient import Gradient, Share
    from lrbound.notices import Notice

Shape = tuple[int, ...]
"""``(features,)`` or ``(channels, height, width)``, without the batch."""

Pullback = Callable[["Gradient"], "tuple[Gradient, Share | None]"]
"""Maps the gradient at a layer's output to that at its input, with the layer's own part of the Fisher matrix."""

Split = Callable[["Gradient"], "Sequence[Gradient]"]
"""Maps the gradient at the place where branches join to those at the ends of the branches."""


class NotBySample(Exception):
    """A layer does not map kernels between single samples (``by_sample`` of a layer)."""


class ShapeError(ValueError):
    """The layer cannot take this input; the text says what is wrong and what would be right."""


@dataclass(frozen=True, eq=False)
class Context:
    """What a sweep knows besides the network.

    Attributes
    ----------
    samples : float
        Batch size n; ``inf`` for a batch so large that 1/n is 0.
    through : bool
        Whether gradients run through the batch statistics (training) or treat them as constants.
    init : Init
        Initialisation of the layers that have none of their own.
    warn : Callable
        Takes a notice of an assumption that the network breaks; each is reported once.
    """

    samples: float
    through: bool
    init: Init
    warn: Callable[[Notice], None]

    def at(self, path: str) -> Context:
        """Return the context of one layer: notices are about it."""
        return replace(self, warn=lambda notice: self.warn(notice.at(path)))


class Elementwise(Curve, Protocol):
    """A function phi of single values, with the mean product of its slopes over pairs of Gaussians."""

    def slopes(self, mean: float, sd_a: Array, sd_b: Array, rho: Array) -> Array:
        """Return E phi'(u) phi'(v) for u = mean + sd_a z, v = mean + sd_b z', E z z' = rho."""


class Activating(Elementwise, Protocol):
    """What an activation gives to the maps of kernels: phi, and its means over Gaussians."""

    @property
    def kind(self) -> str:
        """Its name in a spec, for messages."""

    def pair(self, mean: float, sd_a: Array, sd_b: Array, rho: Array) -> Pair:
        """Return the means over u = mean + sd_a z, v = mean + sd_b z' with E z z' = rho."""

    def local(self, mean: float, sd: Array) -> Pair:
        """Return the same means for v = u = mean + sd z."""
