"""Cross-iteration batch normalisation."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

import torch
from torch import Tensor, nn

from lrbound.normalizers.moments import batch_moments
from lrbound.normalizers.shapes import per_channel


class _Step(NamedTuple):
    """Statistics of one past iteration: moments of each channel, the parameters then, and the slopes by them."""

    mean: Tensor
    square: Tensor
    parameters: tuple[Tensor, ...]
    mean_slopes: tuple[Tensor, ...]
    square_slopes: tuple[Tensor, ...]


class CrossIterationBatchNorm(nn.Module):
    """Batch norm by the statistics of the last iterations, carried over to the current weights by their slope.

    With mu and nu the mean and the mean square of a channel in iteration t - tau, and theta the parameters of the layer
    underneath,

        mu_{t-tau}(theta_t) = mu_{t-tau}(theta_{t-tau}) + d mu_{t-tau}/d theta (theta_t - theta_{t-tau}),

    nu alike; mean = average of mu, var = average of max(nu, mu^2) less the square of the mean, over the window. The
    gradient runs through the current iteration's statistics alone.

    Parameters
    ----------
    channels : int
        Size of axis 1.
    window : int
        Iterations in the statistics, the current one included; 1 is batch norm.
    eps : float
        Added to the variance.
    momentum : float
        Weight of a new iteration in the running statistics for evaluation.
    burn_in : int
        Iterations of plain batch norm at the start, while the weights move fast.

    Notes
    -----
    Call :meth:`follow` with the layer underneath; without it the past statistics are used as they were. The history
    is no part of the state dict: training that is resumed starts with an empty window.

    References
    ----------
    Yao, Cao, Zheng et al. 2020, Cross-iteration batch normalization.
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(
        self, channels: int, window: int = 4, eps: float = 1e-5, momentum: float = 0.1, burn_in: int = 0
    ) -> None:
        super().__init__()
        if window < 1:
            raise ValueError(f"window must be at least 1, got {window}")
        self.window = window
        self.eps = eps
        self.momentum = momentum
        self.burn_in = burn_in
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))
        self.iterations = 0
        self._past: deque[_Step] = deque(maxlen=window - 1)
        self._under: tuple[nn.Parameter, ...] = ()

    def follow(self, module: nn.Module) -> None:
        """Compensate for the changes of this layer's parameters: the one whose output is normalised.

        Its parameters must have the channel on axis 0, as those of torch.nn.Linear and Conv2d have.
        """
        # a tuple keeps them out of this module's own parameters
        self._under = tuple(module.parameters(recurse=False))

    def get_extra_state(self) -> int:
        """Return the iterations so far, for the state dict: burn-in does not start again."""
        return self.iterations

    def set_extra_state(self, state: int) -> None:
        """Take the iterations from a state dict."""
        self.iterations = state

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (batch, channels, *positions)."""
        if not self.training:
            return self._normalised(x, self.running_mean, self.running_var)
        mean, square = batch_moments(x)
        past = [self._now(step) for step in self._past] if self.iterations >= self.burn_in else []
        means = torch.stack([mean, *(step[0] for step in past)])
        squares = torch.stack([square, *(step[1] for step in past)])
        whole_mean = means.mean(0)
        variance = torch.maximum(squares, means.square()).mean(0) - whole_mean.square()
        if self.window > 1:
            self._remember(mean, square)
        with torch.no_grad():
            values = x.numel() // x.shape[1] * len(means)
            unbiased = variance * values / max(values - 1, 1)
            self.running_mean.lerp_(whole_mean.to(self.running_mean.dtype), self.momentum)
            self.running_var.lerp_(unbiased.to(self.running_var.dtype), self.momentum)
        self.iterations += 1
        return self._normalised(x, whole_mean, variance)

    def _normalised(self, x: Tensor, mean: Tensor, variance: Tensor) -> Tensor:
        scale = self.weight * torch.rsqrt(variance + self.eps)
        return (x - per_channel(mean, x)) * per_channel(scale, x) + per_channel(self.bias, x)

    def _now(self, step: _Step) -> tuple[Tensor, Tensor]:
        """Return the moments of a past iteration at the current parameters, to first order."""
        mean, square = step.mean, step.square
        if step.parameters:
            changes = [now.detach() - then for now, then in zip(self._under, step.parameters, strict=True)]
            mean = mean + _along(step.mean_slopes, changes)
            square = square + _along(step.square_slopes, changes)
        return mean, square

    def _remember(self, mean: Tensor, square: Tensor) -> None:
        parameters: tuple[nn.Parameter, ...] = ()
        mean_slopes: tuple[Tensor, ...] = ()
        square_slopes: tuple[Tensor, ...] = ()
        if self._under and mean.requires_grad and all(p.requires_grad for p in self._under):
            parameters = self._under
            # a channel's moments depend on its own parameters alone, so one pass gives all slopes
            mean_slopes = torch.autograd.grad(mean.sum(), parameters, retain_graph=True)
            square_slopes = torch.autograd.grad(square.sum(), parameters, retain_graph=True)
        before = tuple(p.detach().clone() for p in parameters)
        self._past.appendleft(_Step(mean.detach(), square.detach(), before, mean_slopes, square_slopes))


def _along(slopes: tuple[Tensor, ...], changes: list[Tensor]) -> Tensor:
    """Return the sum of slope times change for each channel."""
    terms = [(slope * change).reshape(len(change), -1).sum(1) for slope, change in zip(slopes, changes, strict=True)]
    return torch.stack(terms).sum(0)
