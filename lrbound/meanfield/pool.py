"""Averages over windows of positions: shared by average pooling and global average pooling."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrbound.meanfield.gradient import Gradient
from lrbound.meanfield.kernel import Kernel
from lrbound.meanfield.position_map import pooling

if TYPE_CHECKING:
    from lrbound.meanfield.contract import Pullback
    from lrbound.meanfield.positions import Window


def average(kernel: Kernel, window: Window) -> tuple[Kernel, Pullback]:
    """Return the kernel of averages over the places of a window and the pullback."""
    averages = pooling(kernel, window)
    pair, site, near = averages.forward(kernel)
    out = Kernel(
        kernel.channels,
        averages.rows,
        averages.cols,
        pair,
        site,
        kernel.mean,
        kernel.gaussian,
        middle=kernel.middle,
        near=near,
    )

    def pull(gradient: Gradient) -> tuple[Gradient, None]:
        return Gradient(averages.backward(gradient.delta)), None

    return out, pull
