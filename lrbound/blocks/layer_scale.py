"""Layer scale."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class LayerScale(nn.Module):
    """A learnable factor for each channel.

    Parameters
    ----------
    channels : int
    value : float
        Of all factors at initialisation.

    References
    ----------
    Touvron, Cord, Sablayrolles, Synnaeve and Jegou 2021, Going deeper with image transformers.
    """

    def __init__(self, channels: int, value: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), value))

    def forward(self, x: Tensor) -> Tensor:
        """Scale (batch, channels, *positions)."""
        return x * self.weight.view(-1, *(1,) * (x.dim() - 2))
