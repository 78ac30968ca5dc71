"""What a loss does to the curvature: lambda_max of its Gauss-Newton matrix from that of half the squared error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

    from lrbound.curvature.estimate import Finite


@dataclass(frozen=True)
class Logits:
    """Law of the outputs at initialisation: Gaussian, independent between outputs.

    Attributes
    ----------
    q : float
        Variance of one output.
    q_xy : float
        Covariance of one output between two samples.
    outputs : int
        Number C of outputs.
    """

    q: float
    q_xy: float
    outputs: int


class Loss:
    """Base of the losses; a loss's name in a spec is the name of its module."""

    @property
    def kind(self) -> str:
        """The loss's name in a spec."""
        return type(self).__module__.rpartition(".")[2]

    def check(self, outputs: int) -> str | None:
        """Return why the loss cannot be used with so many outputs, or None."""
        del outputs
        return None

    def factor(self, logits: Logits) -> float:
        """Return lambda_max of this loss divided by lambda_max of half_squared_error."""
        raise NotImplementedError(self.kind)

    def noise_factor(self, logits: Logits) -> float:
        """Return what K1 counts for in the variance of the curvature between samples, ``factor`` if all have the same."""
        return self.factor(logits)

    def top(self, found: Finite, logits: Logits) -> tuple[float, float]:
        """Return lambda_max of this loss and the variance of its logarithm over initialisations.

        Parameters
        ----------
        found : Finite
            That of half_squared_error, at finite size.
        logits : Logits
        """
        return self.factor(logits) * found.lambda_max, found.log_variance

    def limit(self, outputs: int) -> str | None:
        """Return what is known to be off with so many outputs, or None."""
        del outputs
        return None

    def torch(self) -> nn.Module:
        """Build the loss as a module that takes outputs and targets, mean over the samples."""
        raise NotImplementedError(self.kind)
