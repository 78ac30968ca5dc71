"""Square roots of the losses' curvature in the outputs: R with R R^T = Q, the Hessian for one sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from lrbound.losses.base import Loss


@dataclass(frozen=True)
class Root:
    """R of every sample as a pair of maps on tensors (samples, outputs).

    Attributes
    ----------
    apply : Callable
        u -> R u.
    transpose : Callable
        u -> R^T u.
    """

    apply: Callable[[Tensor], Tensor]
    transpose: Callable[[Tensor], Tensor]


def _scaled(factor: float) -> Root:
    return Root(lambda u: factor * u, lambda u: factor * u)


def _softmax(outputs: Tensor) -> Root:
    """Return R = diag(s) - p s^T with s = sqrt(p): R R^T = diag(p) - p p^T because the p add up to 1."""
    p = torch.softmax(outputs.detach(), dim=1)
    s = p.sqrt()
    return Root(
        lambda u: s * u - p * (s * u).sum(dim=1, keepdim=True),
        lambda u: s * u - s * (p * u).sum(dim=1, keepdim=True),
    )


_ROOTS: dict[str, Callable[[Tensor], Root]] = {
    "half_squared_error": lambda outputs: _scaled(1.0),  # noqa: ARG005 - Q is the identity
    "mse": lambda outputs: _scaled((2.0 / outputs.shape[1]) ** 0.5),
    "cross_entropy": _softmax,
}


def root(loss: Loss, outputs: Tensor) -> Root:
    """Return the root of a loss's Hessian at the outputs of a batch.

    Parameters
    ----------
    loss : Loss
    outputs : torch.Tensor (samples, outputs)

    Returns
    -------
    Root
        Of the loss of one sample; the mean over the samples is not in it.
    """
    return _ROOTS[loss.kind](outputs)
