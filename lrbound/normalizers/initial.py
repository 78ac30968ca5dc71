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
        With a parameter ``weight``; ``bias`` may be missing or None.
    gamma, beta : float
        Initial values.
    learnable : bool
        Whether its parameters are trained.
    """
    nn.init.constant_(module.weight, gamma)
    if getattr(module, "bias", None) is not None:
        nn.init.constant_(module.bias, beta)
    for parameter in module.parameters():
        parameter.requires_grad_(learnable)
    return module
