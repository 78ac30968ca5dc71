"""``binary_cross_entropy``: of each output's sigmoid, mean over outputs and samples, as torch.nn.BCEWithLogitsLoss does."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from lrbound.losses._hessians import OutputHessians
from lrbound.losses._saturating import FITTED_LOGITS, IN_DOUBT, ON_THE_WAY, SaturatingLoss
from lrbound.losses.base import CurvatureRoot, Fitted, Targets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from torch import Tensor, nn

    from lrbound.losses.base import TargetLaw

STEEPEST = 0.25
"""The largest p (1 - p) of a sigmoid p, at a logit of 0."""


class BinaryCrossEntropy(SaturatingLoss):
    """Gauss-Newton matrix J^T Q J with Q = diag(p (1 - p))/C, p the sigmoids of the C outputs.

    Small logits give lambda/(4 C), and no Q exceeds that. In between the coherent direction is that of the output whose
    sigmoid is steepest in the mean over the samples, E[max_k E_x p_k (1 - p_k)]/C. It has one output, for two classes, or
    one for each label that a sample may have.
    """

    targets: ClassVar[Targets] = "bits"
    averages_outputs: ClassVar[bool] = True
    not_available: ClassVar[Mapping[str, str]] = {
        "pos_weight": "a positive target counts that many times, so that the curvature depends on the targets; leave it out, and take "
        "the rate divided by the larger of 1 and the weight"
    }
    torch_names: ClassVar[tuple[str, ...]] = ("BCEWithLogitsLoss", "binary_cross_entropy_with_logits")

    def hessians_at(self, logits: NDArray[np.float32]) -> OutputHessians:
        """Return Q of the sigmoids: p (1 - p) = 1/(4 cosh^2(f/2))."""
        outputs = logits.shape[-1]
        with np.errstate(over="ignore"):  # a sigmoid that is infinitely steep has no curvature
            slope = (STEEPEST / outputs) / np.square(np.cosh(0.5 * logits))
        slope.flags.writeable = False
        return OutputHessians(slope, None, most=STEEPEST / outputs)

    def fitted(self, outputs: int, target_scale: float) -> Fitted:
        """Return logits that fit; the curvature is a mean over the outputs."""
        del target_scale
        return Fitted(FITTED_LOGITS, STEEPEST / outputs, IN_DOUBT, ON_THE_WAY / outputs)

    def probabilities(self, logits: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the sigmoids."""
        return np.asarray(0.5 + 0.5 * np.tanh(0.5 * logits, dtype=np.float64))

    def frequency(self, outputs: int, targets: TargetLaw) -> float:
        """Return the share of ones: the squared norm of a target vector counts them; at most one half."""
        return min(targets.scale**2 / outputs, 0.5)

    def multiple(self, outputs: int) -> float:
        """Return 1/C: the loss is a mean over the outputs."""
        return 1.0 / outputs

    def torch(self) -> nn.Module:
        """Build torch.nn.BCEWithLogitsLoss; targets are 0 or 1, or between, of the shape of the outputs."""
        from torch import nn

        return nn.BCEWithLogitsLoss(reduction=self.reduction)

    def curvature_root(self, outputs: Tensor, targets: Tensor | None = None) -> CurvatureRoot:
        """Return the square root of a diagonal matrix."""
        del targets
        p = outputs.detach().sigmoid()
        root = (p * (1.0 - p) / outputs.shape[1]).sqrt()
        return CurvatureRoot(lambda u: root * u, lambda u: root * u)

    def best_constant(self, targets: Tensor, outputs: int) -> Tensor:
        """Return the logarithms of the odds of the outputs' frequencies."""
        del outputs
        return targets.mean(dim=0).logit(eps=1e-6)
