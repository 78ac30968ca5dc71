"""Batch statistics as constants: the values of a training step with the gradients of theory's frozen variant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from lrbound.normalizers.moments import batch_moments

if TYPE_CHECKING:
    from collections.abc import Callable


class FrozenStatistics(TorchFunctionMode):
    """Within this context ``torch.nn.functional.batch_norm`` normalises by the batch but does not differentiate it.

    Every normaliser whose statistics run over the batch computes them by that function, or by
    :func:`lrbound.normalizers.moments.batch_moments`, so that all of them freeze here, whatever module calls it.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Run ``func``, with frozen statistics if it is a batch norm in training."""
        del types
        if func is functional.batch_norm:
            return _batch_norm(*args, **(kwargs or {}))
        if func is batch_moments:
            return tuple(moment.detach() for moment in func(*args, **(kwargs or {})))
        return func(*args, **(kwargs or {}))


def _batch_norm(
    value: torch.Tensor,
    running_mean: torch.Tensor | None,
    running_var: torch.Tensor | None,
    weight: torch.Tensor | None = None,
    bias: torch.Tensor | None = None,
    training: bool = False,  # noqa: FBT001, FBT002 - the signature is torch's
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> torch.Tensor:
    if training:
        axes = [axis for axis in range(value.dim()) if axis != 1]
        running_var, running_mean = torch.var_mean(value.detach(), dim=axes, correction=0)
    return functional.batch_norm(value, running_mean, running_var, weight, bias, False, momentum, eps)
