"""``cross_entropy``: softmax cross-entropy, mean over samples, as torch.nn.CrossEntropyLoss computes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from lrbound.fields import number
from lrbound.losses._hessians import OutputHessians
from lrbound.losses._saturating import SaturatingLoss
from lrbound.losses.base import CurvatureRoot, Logits, Targets
from lrbound.notices import Notice

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from torch import Tensor, nn

    from lrbound.losses.base import TargetLaw

MANY_OUTPUTS = 50
"""Outputs from which lambda_max was seen to be off (:mod:`lrbound.curvature.softmax`)."""


@dataclass(frozen=True)
class CrossEntropy(SaturatingLoss):
    """Gauss-Newton matrix J^T Q J with Q = diag(p) - p p^T (lrbound/theory/mean-field.md, section 7).

    Small logits give lambda/C exactly, and Q never exceeds 1/2. In between the factor is the larger of 1/C and
    E[lambda_max(E_x Q_x)]. At C = 2 the two classes share one eigenvalue 2 E[p_1 p_2] <= 1/2, and nothing replaces it.

    Label smoothing moves targets and not Q. It keeps logits small, which the rate to survive does not count on.
    """

    label_smoothing: float = number("part of each target that is spread evenly over the classes", 0.0, ge=0, lt=1)

    targets: ClassVar[Targets] = "classes"
    torch_names: ClassVar[tuple[str, ...]] = ("CrossEntropyLoss", "cross_entropy")
    torch_names_after_output: ClassVar[tuple[str, ...]] = ("NLLLoss", "nll_loss")
    torch_output: ClassVar[str] = "log_softmax"

    not_available: ClassVar[Mapping[str, str]] = {
        "class_weights": "at the start they leave the curvature in the mean as it is, and make that of single samples vary by "
        "E w^2/(E w)^2; leave them out, and take the rate divided by that"
    }

    def check(self, outputs: int) -> str | None:
        """Refuse a single output: its softmax is always 1."""
        if outputs < 2:
            return "cross_entropy needs at least 2 outputs, one for each class; got 1"
        return super().check(outputs)

    def limit(self, outputs: int) -> Notice | None:
        """Return that many outputs prefer combinations in which the softmax is steep."""
        if outputs < MANY_OUTPUTS:
            return None
        return Notice("LRB051", f"cross_entropy with {outputs} outputs: measured 16 % below to 50 % above lambda_max")

    def factor(self, logits: Logits) -> float:
        """Return lambda_max of cross_entropy over that of half_squared_error."""
        mean_top = super().factor(logits)
        return mean_top if logits.outputs == 2 else max(1.0 / logits.outputs, mean_top)

    def hessians_at(self, logits: NDArray[np.float32]) -> OutputHessians:
        """Return Q of the softmax p of the logits."""
        # in their place: millions of them would be copied
        logits -= logits.max(axis=-1, keepdims=True)
        np.exp(logits, out=logits)
        logits /= logits.sum(axis=-1, keepdims=True)
        logits.flags.writeable = False
        return OutputHessians(logits, logits, most=0.5, least=1.0 / logits.shape[-1])

    def probabilities(self, logits: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the softmax."""
        p = np.exp(logits - logits.max(axis=-1, keepdims=True), dtype=np.float64)
        return np.asarray(p / p.sum(axis=-1, keepdims=True))

    def frequency(self, outputs: int, targets: TargetLaw) -> float:
        """Return 1/C: classes are taken to be alike in number."""
        del targets
        return 1.0 / outputs

    def square(self, outputs: int, targets: TargetLaw) -> float:
        """Return E t^2 of an output for targets t = (1 - s) y + s/C with one-hot y."""
        s, even = self.label_smoothing, self.frequency(outputs, targets)
        return ((1.0 - s) ** 2 + 2.0 * s * (1.0 - s) / outputs) * even + (s / outputs) ** 2

    def torch(self) -> nn.Module:
        """Build torch.nn.CrossEntropyLoss; targets are class indices."""
        from torch import nn

        return nn.CrossEntropyLoss(reduction=self.reduction, label_smoothing=self.label_smoothing)

    def curvature_root(self, outputs: Tensor, targets: Tensor | None = None) -> CurvatureRoot:
        """Return R = diag(s) - p s^T with s = sqrt(p): R R^T = diag(p) - p p^T because the p add up to 1."""
        del targets
        p = outputs.detach().softmax(dim=1)
        s = p.sqrt()
        return CurvatureRoot(
            lambda u: s * u - p * (s * u).sum(dim=1, keepdim=True),
            lambda u: s * u - s * (p * u).sum(dim=1, keepdim=True),
        )

    def best_constant(self, targets: Tensor, outputs: int) -> Tensor:
        """Return the logarithms of the classes' frequencies, smoothed as the targets are."""
        frequencies = targets.bincount(minlength=outputs).float() / len(targets)
        smooth = (1.0 - self.label_smoothing) * frequencies + self.label_smoothing / outputs
        return smooth.clamp_min(1e-6 / max(len(targets), 1)).log()
