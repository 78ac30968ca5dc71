"""Initial values of a normaliser's parameters, as a spec states them."""

from __future__ import annotations

from typing import TypeVar

from torch import nn

M = TypeVar("M", bound=nn.Module)


def initialised(module: M, gamma: float, beta: float = 0.0, *, learnable: bool = True) -> M:
    """Set ``weight`` and ``bias`` of a module, and whether its parameters are trained; return it.

    Parameters
    ----------
    module : torch.nn.Module
        With parameters ``weight`` and ``bias``; either may be missing.
    gamma, beta : float
        Initial values.
    learnable : bool
        Whether its parameters are trained.
    """
    values = {"weight": gamma, "bias": beta}
    for name, parameter in module.named_parameters():
        if name in values:
            nn.init.constant_(parameter, values[name])
        parameter.requires_grad_(learnable)
    return module
