"""``linear: 1000``: a dense layer, z = W h + b with W ~ sigma_w^2/fan_in and b ~ sigma_b^2."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lrbound.fields import flag, initialisation, integer
from lrbound.init import Init
from lrbound.layers.base import Layer, Shape, ShapeError


@dataclass(frozen=True)
class Linear(Layer):
    """Dense layer on flat features."""

    main: ClassVar[str | None] = "features"

    features: int = integer("number of outputs", le=10**8)
    bias: bool = flag("whether there is a bias", True)
    init: Init | None = initialisation("initialisation of this layer; the network's if absent")

    def output_shape(self, shape: Shape) -> Shape:
        """Return ``(features,)``; images must be flattened first."""
        if len(shape) != 1:
            raise ShapeError(f"linear takes flat features, got {list(shape)}; put flatten or global_avg_pool before it")
        return (self.features,)
