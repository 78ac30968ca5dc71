"""What Huber's loss and its kin have in common: squared for small residuals, linear for large ones."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from lrbound.losses._hessians import OutputHessians
from lrbound.losses._saturating import SaturatingLoss, gaussian_logits, most_samples
from lrbound.losses._squared import OVERSHOOT
from lrbound.losses.base import CurvatureRoot, Fitted, Logits, Residuals

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from lrbound.losses.base import TargetLaw

STEPS = 200
"""Of the reweighted means that find the best constant; it is accurate to six digits long before."""


@dataclass(frozen=True)
class HuberLike(SaturatingLoss):
    """Gauss-Newton matrix J^T Q J with Q = diag(1 where |f - y| < threshold) slope/C: the mean over C outputs.

    The residuals at the start are those of drawn outputs and drawn targets: one-hot vectors of classes alike in number times the
    scale of the targets, or normal numbers where there is one output.
    """

    averages_outputs: ClassVar[bool] = True
    tolerated: ClassVar[float] = 1.0

    scale: float = field(default=1.0, kw_only=True, compare=True)

    @property
    def threshold(self) -> float:
        """Residual from which the loss is linear."""
        raise NotImplementedError(self.kind)

    @property
    def slope(self) -> float:
        """Second derivative below it, times the number of outputs."""
        raise NotImplementedError(self.kind)

    def on_targets(self, scale: float) -> Self:
        """Return the loss that knows the scale of the targets."""
        return replace(self, scale=scale)

    def drawn_targets(self, shape: tuple[int, ...]) -> NDArray[np.float32]:
        """Return targets of this shape, the outputs last; the same ones at each call."""
        rng = np.random.default_rng(0)
        if shape[-1] == 1:
            return (self.scale * rng.standard_normal(shape)).astype(np.float32)
        classes = rng.integers(shape[-1], size=shape[:-1])
        return np.where(classes[..., None] == np.arange(shape[-1]), self.scale, 0.0).astype(np.float32)

    def hessians_at(self, outputs: NDArray[np.float32]) -> OutputHessians:
        """Return Q for drawn targets."""
        most = self.slope / outputs.shape[-1]
        small = np.abs(outputs - self.drawn_targets(outputs.shape)) < self.threshold
        diagonal = most * small.astype(np.float32)
        diagonal.flags.writeable = False
        return OutputHessians(diagonal, None, most=most)

    def fitted(self, outputs: int, target_scale: float) -> Fitted:
        """Return the targets' size with its overshoot, and the curvature of small residuals."""
        most = self.slope / outputs
        return Fitted(OVERSHOOT * target_scale, most, 0.0, most)

    def residuals(self, logits: Logits, targets: TargetLaw) -> Residuals:
        """Return the law of the cut residuals of drawn outputs and targets."""
        outputs = gaussian_logits(logits, most_samples(logits.outputs))
        given = self.on_targets(targets.scale)
        cut = np.clip(outputs - given.drawn_targets(outputs.shape), -self.threshold, self.threshold)
        r = (self.slope / logits.outputs) * cut.astype(np.float64)
        centre = r.mean(axis=1)
        whole = float(np.square(r).sum(axis=2).mean())
        # the mean over the drawn samples has a sampling error
        apart = whole - float(np.square(centre).sum(axis=1).mean())
        mean = max(whole - apart * r.shape[1] / (r.shape[1] - 1.0), 0.0)
        even = np.abs(centre).sum() / np.sqrt(centre.size * np.square(centre).sum() + 1e-300)
        typical = given.hessians_at(outputs).typical
        return Residuals(mean, max(whole - mean, 0.0), min(float(even), 1.0), typical)

    def curvature_root(self, outputs: Tensor, targets: Tensor | None = None) -> CurvatureRoot:
        """Return the root of a diagonal of zeros and ones; targets that are not given are drawn."""
        import torch

        if targets is None:
            drawn = self.drawn_targets(tuple(outputs.shape))
            targets = torch.as_tensor(drawn).to(outputs)
        small = (outputs.detach() - targets).abs() < self.threshold
        root = small.to(outputs) * (self.slope / outputs.shape[1]) ** 0.5
        return CurvatureRoot(lambda u: root * u, lambda u: root * u)

    def best_constant(self, targets: Tensor, outputs: int) -> Tensor:
        """Return where the cut residuals add up to 0, by reweighted means."""
        del outputs
        found = targets.median(dim=0).values
        for _ in range(STEPS):
            weights = self.threshold / (targets - found).abs().clamp_min(self.threshold)
            found = (weights * targets).sum(dim=0) / weights.sum(dim=0)
        return found
