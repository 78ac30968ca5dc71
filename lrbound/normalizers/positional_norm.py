"""Positional normalisation."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class PositionalNorm(nn.Module):
    """gamma (x - mean)/sqrt(var + eps), mean and variance over the channels at each position of each sample.

    Has no learnable parameters. On flat features it is layer norm without gamma and beta.

    Parameters
    ----------
    gamma : float
        A fixed scale; the paper has none.
    eps : float
        Added to the variance.

    References
    ----------
    Li, Wu, Weinberger and Belongie 2019, Positional normalization.
    """

    def __init__(self, gamma: float = 1.0, eps: float = 1e-5) -> None:
        super().__init__()
        self.gamma = gamma
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (batch, channels, *positions)."""
        variance, mean = torch.var_mean(x, dim=1, correction=0, keepdim=True)
        return self.gamma * (x - mean) * torch.rsqrt(variance + self.eps)
