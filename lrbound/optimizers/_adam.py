"""What Adam and AdamW share: with its bias correction the first step is eta g/(|g| + eps)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from lrbound.fields import flag, number, two_numbers
from lrbound.optimizers._adaptive import AdaptiveOptimizer

if TYPE_CHECKING:
    from lrbound.optimizers.base import Array


@dataclass(frozen=True)
class AdamFamily(AdaptiveOptimizer):
    """Moving means of the gradient and of its square, both corrected for their start at 0 (Kingma and Ba 2015)."""

    start: ClassVar[float | None] = 0.5
    """Chosen on the 26 runs of AdamW that the benchmark of rates shows (lrbound/theory/adam.md, section 4)."""

    betas: tuple[float, float] = two_numbers("decay of the two moving means", (0.9, 0.999), ge=0, lt=1)
    eps: float = number("added to the root of the mean square", 1e-8, ge=0)
    amsgrad: bool = flag("whether the largest mean square so far divides", False)

    @property
    def words(self) -> str:
        """Name and betas."""
        return f"{self.kind} with betas {self.betas[0]:.4g} and {self.betas[1]:.4g}"

    def first_step(self, gradient: Array) -> Array:
        """Return |g|/(|g| + eps): both moving means are those of one gradient after their correction."""
        return np.asarray(gradient / np.maximum(gradient + self.eps, np.finfo(np.float64).tiny))
