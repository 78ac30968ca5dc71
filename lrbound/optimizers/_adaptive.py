"""What the optimisers have in common whose step does not grow with the gradient: no largest rate, a first step of signs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Self

from lrbound.optimizers.base import Optimizer

if TYPE_CHECKING:
    from lrbound.optimizers.base import Array, LayerwiseCurvature


class AdaptiveOptimizer(Optimizer):
    """An optimiser whose steps are as long as its rate, whatever the size of the gradient.

    Curvature sets no largest rate for it: after a step that was too long the next one is no longer, and training usually recovers.
    What the curvature does set is the rate from which on the first step raises the loss (lrbound/theory/adam.md).
    """

    @property
    def no_maximum(self) -> str | None:
        """Why no rate makes the steps grow."""
        return f"the steps of {self.kind} are as long as its rate"

    def on_multiple(self, factor: float) -> tuple[Self, float]:
        """Return the same optimiser and rate: its steps do not depend on the size of the loss."""
        del factor
        return self, 1.0

    def stable_rate(self, curvature: LayerwiseCurvature) -> float:
        """Return ``inf``: no rate makes the steps grow."""
        del curvature
        return math.inf

    def recommended_rate(self, stable: float) -> float:
        """Return ``stable``, which knows no rate either."""
        return stable

    def first_step(self, gradient: Array) -> Array:
        """Return the length of the first step at a rate of 1, by the size of the gradient."""
        raise NotImplementedError(self.kind)
