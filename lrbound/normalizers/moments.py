"""Moments of the current batch, in one function that a caller may intercept."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.overrides import handle_torch_function, has_torch_function_unary

from lrbound.normalizers.shapes import all_but_channels


def batch_moments(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean and the mean square of each channel over batch and positions.

    A ``torch.overrides.TorchFunctionMode`` sees the call, as it sees those of torch's own functions: that is how
    statistics over the batch are held constant.
    """
    if has_torch_function_unary(x):
        return handle_torch_function(batch_moments, (x,), x)
    variance, mean = torch.var_mean(x, dim=all_but_channels(x), correction=0)
    return mean, variance + mean.square()
