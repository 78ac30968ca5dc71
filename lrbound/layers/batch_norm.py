"""``batch_norm``: z' = gamma (z - mean)/sqrt(var + eps) + beta, statistics over batch and positions, per channel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lrbound.fields import flag, number
from lrbound.layers.base import Layer


@dataclass(frozen=True)
class BatchNorm(Layer):
    """Batch normalisation."""

    main: ClassVar[str | None] = "gamma"

    gamma: float = number("scale at initialisation", 1.0)
    beta: float = number("shift at initialisation", 0.0)
    eps: float = number("added to the variance", 1e-5, ge=0)
    learnable: bool = flag("whether gamma and beta are trained", True)
