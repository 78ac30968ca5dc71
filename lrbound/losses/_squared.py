"""What the losses have in common that are a multiple of the squared error."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from lrbound.losses._hessians import OutputHessians
from lrbound.losses.base import CurvatureRoot, Fitted, Logits, Loss

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor


OVERSHOOT = 5.0
"""Outputs on the way to the targets, in units of these. Heavy ball without friction overshoots to 2; the rest is fitted on the
44 trained networks with squared errors that were looked at (lrbound/theory/rates.md, section 12)."""


class SquaredError(Loss):
    """Half the squared error times a factor that depends on the number of outputs alone."""

    is_squared: ClassVar[bool] = True

    def multiple(self, outputs: int) -> float:
        """Return the factor."""
        raise NotImplementedError(self.kind)

    def factor(self, logits: Logits) -> float:
        """Return lambda_max of this loss over that of half_squared_error, exactly."""
        return self.multiple(logits.outputs)

    def hessians_at(self, outputs: NDArray[np.float32]) -> OutputHessians:
        """Return the factor times 1."""
        factor = self.multiple(outputs.shape[-1])
        return OutputHessians(np.full_like(outputs, factor), None, most=factor)

    def fitted(self, outputs: int, target_scale: float) -> Fitted:
        """Return the targets' size with its overshoot; the curvature is the same everywhere."""
        return Fitted(OVERSHOOT * target_scale, self.multiple(outputs))

    def curvature_root(self, outputs: Tensor) -> CurvatureRoot:
        """Return the square root of the factor."""
        root = self.multiple(outputs.shape[1]) ** 0.5
        return CurvatureRoot(lambda u: root * u, lambda u: root * u)

    def best_constant(self, targets: Tensor, outputs: int) -> Tensor:
        """Return the mean of the targets."""
        del outputs
        return targets.mean(dim=0)
