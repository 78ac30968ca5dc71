"""Kernels with every position a class of its own, to compare classes of positions with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrbound.meanfield.positions import Axis
from lrbound.meanfield.regroup import regroup

if TYPE_CHECKING:
    from lrbound.meanfield.kernel import Kernel


def resolved(kernel: Kernel) -> Kernel:
    """Return the same kernel with every position a class of its own."""
    if kernel.resolved:
        return kernel
    rows, cols = (Axis(tuple(range(axis.size))) for axis in (kernel.rows, kernel.cols))
    return regroup(kernel.rows, kernel.cols, rows, cols).kernel(kernel, rows, cols)
