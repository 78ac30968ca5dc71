"""Moments of the values of a torch parameter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from lrbound.importing.graph import Parameter

if TYPE_CHECKING:
    from torch import Tensor

ENOUGH = 1 << 20
"""Values give a variance to 0.14 %, closer than two rules for it ever are."""


def parameter(name: str, tensor: Tensor) -> Parameter:
    """Return the statistics of a parameter; of a large one, those of a regular sample of its values."""
    shape, trained = tuple(tensor.shape), tensor.requires_grad
    if tensor.is_meta or tensor.numel() == 0:
        return Parameter(name, shape, trained)
    values = _sample(tensor.detach())
    low, high = values.min().item(), values.max().item()
    if tensor.numel() == 1 and low != 0.0:  # a sample of one, of a law whose mean is 0
        return Parameter(name, shape, trained, mean=0.0, variance=low**2)
    if low == high:
        return Parameter(name, shape, trained, mean=low, variance=0.0, constant=True)
    values = values.to(torch.float32)
    mean = values.mean(dtype=torch.float64).item()
    square = (values - mean).square_()
    variance = square.mean(dtype=torch.float64).item()
    fourth = square.square_().mean(dtype=torch.float64).item()
    kurtosis = fourth / max(variance, 1e-300) ** 2
    return Parameter(name, shape, trained, mean=mean, variance=variance, kurtosis=kurtosis, values=values.numel())


def _sample(tensor: Tensor) -> Tensor:
    """Return all values, or about ENOUGH of them at an odd step that no side of the tensor is a multiple of."""
    step = tensor.numel() // ENOUGH
    flat = tensor.reshape(-1)
    if step <= 1:
        return flat
    step += 1 - step % 2
    while any(side > 1 and (side % step == 0 or step % side == 0) for side in tensor.shape):
        step += 2
    return flat[::step]
