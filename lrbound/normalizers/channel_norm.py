"""Layer norm over the channels at each position."""

from __future__ import annotations

from torch import Tensor, nn


class ChannelNorm(nn.LayerNorm):
    """Layer norm over the channels at each position of each sample, gamma and beta per channel, as ConvNeXt has it.

    Parameters
    ----------
    channels : int
    eps : float
        Added to the variance.

    References
    ----------
    Liu, Mao, Wu, Feichtenhofer, Darrell and Xie 2022, A ConvNet for the 2020s.
    """

    def __init__(self, channels: int, eps: float = 1e-5) -> None:
        super().__init__(channels, eps=eps)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (batch, channels, *positions)."""
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)
