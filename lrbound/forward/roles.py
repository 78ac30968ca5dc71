"""What a layer is for the corrections at finite size: random weights, a gate, batch statistics, a homogeneous activation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeGuard

import numpy as np

if TYPE_CHECKING:
    from lrbound.init import Fans, Init
    from lrbound.layers.base import Layer
    from lrbound.layers.squeeze_excite import SqueezeExcite
    from lrbound.meanfield.gaussian import Curve


class Weighted(Protocol):
    """A layer that draws random weights: it can have an initialisation of its own, and biases."""

    init: Init | None
    bias: bool

    def fans(self, channels: int) -> Fans:
        """Return what initialisations divide by for an input of so many channels."""


def weighted(layer: Layer) -> TypeGuard[Weighted]:
    """Say whether a layer draws random weights. A plain function, because isinstance of a protocol is slow."""
    return layer.has_weights


def squeezes(layer: Layer) -> TypeGuard[SqueezeExcite]:
    """Say whether a layer is a gate of channels, whose module few networks need."""
    return layer.gates


def absorbs(layer: Layer, channels: int, samples: float) -> bool:
    """Say whether a layer's statistics are those of batch norm: of single channels, over the batch and no more."""
    found = layer.statistics(channels, samples)
    return found is not None and found.batch and found.channels == 1 and found.window == 1


def homogeneous(curve: Curve) -> bool:
    """Say whether phi(t u) = t phi(u) for t > 0: ReLU and its leaky kin."""
    points = np.array([1.0, -1.0])
    gap = np.abs(curve.value(3.0 * points) - 3.0 * curve.value(points))
    return bool(gap.max() <= 1e-12)
