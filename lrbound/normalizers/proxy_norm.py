"""Proxy normalisation of activations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from lrbound.normalizers.shapes import per_channel

if TYPE_CHECKING:
    from collections.abc import Callable


class ProxyNorm(nn.Module):
    """(phi(gamma y + beta) - E phi(gamma Y + beta))/sqrt(Var phi(gamma Y + beta) + eps), Y ~ N(0, 1).

    Stands where the activation stood, after a layer or group norm without its own gamma and beta: it normalises each
    channel by what a Gaussian in place of y would give, without looking at the batch.

    Parameters
    ----------
    channels : int
        Size of axis 1.
    activation : callable
        phi, elementwise.
    eps : float
        Added to the proxy's variance; the paper's 0.03.
    proxy_parameters : bool
        Whether Y ~ N(b, (1 + g)^2) with g and b learnt per channel from 0, as the paper's extended form has it.
    samples : int
        Points at which the Gaussian is sampled.

    References
    ----------
    Labatie, Masters, Eaton-Rosen and Luschi 2021, Proxy-normalizing activations to match batch normalization while
    removing batch dependence.
    """

    quantiles: Tensor

    def __init__(
        self,
        channels: int,
        activation: Callable[[Tensor], Tensor] | None = None,
        eps: float = 0.03,
        *,
        proxy_parameters: bool = False,
        samples: int = 256,
    ) -> None:
        super().__init__()
        self.activation = nn.ReLU() if activation is None else activation
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.proxy_weight = nn.Parameter(torch.zeros(channels)) if proxy_parameters else None
        self.proxy_bias = nn.Parameter(torch.zeros(channels)) if proxy_parameters else None
        middles = (torch.arange(samples, dtype=torch.float64) + 0.5) / samples
        points = torch.special.ndtri(middles)
        # the middles of equal slices miss some of the variance
        points = points / points.square().mean().sqrt()
        self.register_buffer("quantiles", points.to(torch.get_default_dtype()), persistent=False)

    def forward(self, y: Tensor) -> Tensor:
        """Activate and normalise (batch, channels, *positions)."""
        proxy = self.quantiles[:, None]
        if self.proxy_weight is not None and self.proxy_bias is not None:
            proxy = proxy * (1.0 + self.proxy_weight) + self.proxy_bias
        variance, mean = torch.var_mean(self.activation(self.weight * proxy + self.bias), dim=0, correction=0)
        z = self.activation(per_channel(self.weight, y) * y + per_channel(self.bias, y))
        return (z - per_channel(mean, y)) * per_channel(torch.rsqrt(variance + self.eps), y)
