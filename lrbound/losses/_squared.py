"""What the losses have in common that are a multiple of the squared error."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from lrbound.losses._hessians import OutputHessians
from lrbound.losses.base import CurvatureRoot, Fitted, Logits, Loss, Residuals

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from lrbound.losses.base import TargetLaw


OVERSHOOT = 5.0
"""Outputs on the way to the targets, in units of these. Heavy ball without friction overshoots to 2; the rest is fitted on
trained networks (lrbound/theory/rates.md, section 12)."""


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
        factor = self.multiple(outputs)
        return Fitted(OVERSHOOT * target_scale, factor, 0.0, factor)

    def residuals(self, logits: Logits, targets: TargetLaw) -> Residuals:
        """Return the law of a(f - y), exact for Gaussian outputs; a is the factor of half_squared_error."""
        outputs, shared, share = logits.outputs, max(logits.q_xy, 0.0), targets.mean_share
        if share is None:
            share = 0.0 if outputs == 1 else 1.0 / outputs
        factor, middle = self.multiple(outputs), targets.scale * math.sqrt(share / outputs)
        mean = outputs * (shared + middle**2)
        whole = outputs * logits.q + targets.scale**2
        even = math.sqrt(outputs / mean) * mean_size(middle, shared) if mean > 0.0 else 1.0
        return Residuals(factor**2 * mean, factor**2 * max(whole - mean, 0.0), min(even, 1.0), factor)

    def curvature_root(self, outputs: Tensor, targets: Tensor | None = None) -> CurvatureRoot:
        """Return the square root of the factor."""
        del targets
        root = self.multiple(outputs.shape[1]) ** 0.5
        return CurvatureRoot(lambda u: root * u, lambda u: root * u)

    def best_constant(self, targets: Tensor, outputs: int) -> Tensor:
        """Return the mean of the targets."""
        del outputs
        return targets.mean(dim=0)


def mean_size(mean: float, variance: float) -> float:
    """Return E|u| of a normal number u."""
    if variance <= 0.0:
        return abs(mean)
    spread = math.sqrt(variance)
    return spread * math.sqrt(2.0 / math.pi) * math.exp(-0.5 * mean * mean / variance) + mean * math.erf(
        mean / (spread * math.sqrt(2.0))
    )
