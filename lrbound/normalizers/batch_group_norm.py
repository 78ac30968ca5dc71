"""Batch group normalisation."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from lrbound.normalizers.shapes import per_channel


class BatchGroupNorm(nn.Module):
    """gamma (x - mean)/sqrt(var + eps) + beta, over batch, positions and the channels of a group.

    With one channel a group it is batch norm. In evaluation it uses running statistics, as batch norm does.

    Parameters
    ----------
    groups : int
        Number of groups; divides ``channels``.
    channels : int
        Size of axis 1.
    eps : float
        Added to the variance.
    momentum : float
        Weight of a new batch in the running statistics.

    References
    ----------
    Zhou, Li, Wang et al. 2020, Batch group normalization.
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, groups: int, channels: int, eps: float = 1e-5, momentum: float = 0.1) -> None:
        super().__init__()
        if channels % groups:
            raise ValueError(f"groups must divide the {channels} channels, got {groups}")
        self.groups = groups
        self.eps = eps
        self.momentum = momentum
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(groups))
        self.register_buffer("running_var", torch.ones(groups))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (batch, channels, *positions)."""
        grouped = functional.batch_norm(
            x.reshape(len(x), self.groups, -1),
            self.running_mean,
            self.running_var,
            training=self.training,
            momentum=self.momentum,
            eps=self.eps,
        )
        return grouped.reshape(x.shape) * per_channel(self.weight, x) + per_channel(self.bias, x)
