"""Stochastic depth."""

from __future__ import annotations

from torch import Tensor, nn


class StochasticDepth(nn.Module):
    """In training, zeroes whole samples at random and divides the rest by 1 - p.

    Parameters
    ----------
    p : float
        Probability that a sample is zeroed.

    References
    ----------
    Huang, Sun, Liu, Sedra and Weinberger 2016, Deep networks with stochastic depth.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        """Mask (batch, ...)."""
        if not self.training or self.p == 0.0:
            return x
        keep = 1.0 - self.p
        mask = x.new_empty((x.shape[0], *(1,) * (x.dim() - 1))).bernoulli_(keep)
        return x * mask / keep
