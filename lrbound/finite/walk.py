"""Which layers draw random weights, and which gate their channels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeGuard

if TYPE_CHECKING:
    from lrbound.init import Init
    from lrbound.layers.base import Layer
    from lrbound.layers.squeeze_excite import SqueezeExcite


class Weighted(Protocol):
    """A layer that draws random weights: it can have an initialisation of its own, and biases."""

    init: Init | None
    bias: bool


def weighted(layer: object) -> TypeGuard[Weighted]:
    """Say whether a layer draws random weights. A plain function, because isinstance of a protocol is slow."""
    return hasattr(layer, "init") and hasattr(layer, "bias")


def squeezes(layer: Layer) -> TypeGuard[SqueezeExcite]:
    """Say whether a layer is a gate of channels, whose module few networks need."""
    return layer.kind == "squeeze_excite"
