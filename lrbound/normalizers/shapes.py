"""Values of each channel, brought next to the positions."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def per_channel(values: Tensor, like: Tensor) -> Tensor:
    """Return values (channels,) or (batch, channels) so that they broadcast against ``like``."""
    return values.reshape(*values.shape, *(1,) * (like.dim() - 2))


def all_but_channels(x: Tensor) -> tuple[int, ...]:
    """Return the axes of batch and positions."""
    return (0, *range(2, x.dim()))
