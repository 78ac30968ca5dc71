"""Filters of few inputs: what a depthwise convolution adds to the spread of a sample's norm.

A sample's squared norm |h - mean|^2 = sum f(z), f = (phi - E phi)^2, is a sum over channels and positions. In a depthwise layer
the positions of one channel are not independent, whatever the width: E r(a, b)^2 + cum(a, a, b, b)/2 is ``tied`` of
:mod:`lrbound.meanfield.few_inputs`, and the squares of z at two positions covary by twice that. With f_2 the second
Hermite coefficient of f, the relative variance of the norm grows by

    1 + (f_2^2/Var f) mean over a of sum_{b != a} tied(a, b),

about 1.9 times for a 3x3 filter above silu and 1.7 times above relu.

Status: derived to leading order in ``tied``, for gradients that are alike at all positions.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from lrbound.meanfield.normal import trapezoid

if TYPE_CHECKING:
    from lrbound.meanfield.gaussian import Curve
    from lrbound.meanfield.kernel import Kernel


def norm_excess(kernel: Kernel, curve: Curve) -> float:
    """Return by how many times the relative variance of a sample's norm is that of independent positions."""
    if kernel.few is None or kernel.positions == 1:
        return 1.0
    from lrbound.meanfield.few_inputs import tied

    q, _ = kernel.averages()
    together = tied(kernel) * (kernel.positions - 1.0)
    return 1.0 + _evenness(curve, kernel.mean, round(float(np.sqrt(max(q - kernel.mean**2, 0.0))), 6)) * together


@lru_cache(maxsize=256)
def _evenness(curve: Curve, mean: float, sd: float) -> float:
    """Return f_2^2/Var f."""
    z, weights = trapezoid(9.0, 901)
    value = curve.value(mean + sd * z)
    square = (value - value @ weights) ** 2
    variance = float(square**2 @ weights) - float(square @ weights) ** 2
    second = float(square @ ((z * z - 1.0) * weights))
    return 0.5 * second**2 / variance if variance > 0.0 else 0.0
