"""Instance enhancement batch normalisation."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from lrbound.normalizers.shapes import per_channel


class InstanceEnhancementBatchNorm(nn.Module):
    """gamma sigmoid(w m + b) (x - mean)/sqrt(var + eps) + beta, m the mean of x over the positions of each sample.

    Batch norm whose scale every sample regulates by itself, which damps the noise of the batch statistics.

    Parameters
    ----------
    channels : int
        Size of axis 1.
    eps : float
        Added to the variance.
    momentum : float
        Weight of a new batch in the running statistics.
    gate_weight, gate_bias : float
        Initial values of w and b, per channel; the paper's are 0 and -1.

    References
    ----------
    Liang, Huang, Liang and Yang 2020, Instance enhancement batch normalization: an adaptive regulator of batch noise.
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(
        self,
        channels: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        *,
        gate_weight: float = 0.0,
        gate_bias: float = -1.0,
    ) -> None:
        super().__init__()
        self.eps = eps
        self.momentum = momentum
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.gate_weight = nn.Parameter(torch.full((channels,), gate_weight))
        self.gate_bias = nn.Parameter(torch.full((channels,), gate_bias))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (batch, channels, *positions)."""
        zhat = functional.batch_norm(
            x, self.running_mean, self.running_var, training=self.training, momentum=self.momentum, eps=self.eps
        )
        instance = x.flatten(2).mean(2) if x.dim() > 2 else x
        scale = self.weight * torch.sigmoid(self.gate_weight * instance + self.gate_bias)
        return zhat * per_channel(scale, x) + per_channel(self.bias, x)
