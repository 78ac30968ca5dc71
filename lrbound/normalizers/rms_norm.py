"""Root mean square layer normalisation over channels and positions."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lrbound.normalizers.shapes import per_channel


class RMSNorm(nn.Module):
    """gamma x / sqrt(mean(x^2) + eps), the mean over channels and positions of each sample.

    On flat features this is torch.nn.RMSNorm; on images it has one gamma per channel, not one per value.

    Parameters
    ----------
    channels : int
        Size of axis 1.
    eps : float
        Added to the mean square; the authors' code has 1e-8.

    References
    ----------
    Zhang and Sennrich 2019, Root mean square layer normalization.
    """

    def __init__(self, channels: int, eps: float = 1e-8) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (batch, channels, *positions)."""
        square = x.square().flatten(1).mean(1).reshape(-1, *(1,) * (x.dim() - 1))
        return x * torch.rsqrt(square + self.eps) * per_channel(self.weight, x)
