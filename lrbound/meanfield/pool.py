"""Averages over windows of positions: shared by average pooling and global average pooling."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrbound.meanfield.gradient import Gradient
from lrbound.meanfield.kernel import Kernel
from lrbound.meanfield.position_map import pooling

if TYPE_CHECKING:
    from lrbound.layers.base import Pullback
    from lrbound.meanfield.positions import Window


def average(kernel: Kernel, windows: tuple[Window, Window]) -> tuple[Kernel, Pullback]:
    """Return the kernel of averages over windows (rows, columns) and its pullback."""
    window = pooling(kernel, windows)
    pair, site, near = window.forward(kernel)
    out = Kernel(
        kernel.channels,
        window.rows,
        window.cols,
        pair,
        site,
        kernel.mean,
        kernel.gaussian,
        middle=kernel.middle,
        near=near,
    )

    def pull(gradient: Gradient) -> tuple[Gradient, None]:
        return Gradient(window.backward(gradient.delta)), None

    return out, pull
