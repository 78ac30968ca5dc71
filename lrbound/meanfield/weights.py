"""Random weights between two kernels: shared by dense and convolutional layers."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from lrbound.meanfield.gradient import Gradient, Share
from lrbound.meanfield.kernel import Kernel

if TYPE_CHECKING:
    from lrbound.meanfield.contract import Pullback
    from lrbound.meanfield.few_inputs import FewInputs
    from lrbound.meanfield.merge import Merge
    from lrbound.meanfield.position_map import PositionMap
    from lrbound.meanfield.positions import Window


def weight_layer(
    kernel: Kernel,
    channels: int,
    fan_in: int,
    sigma_w2: float,
    bias_square: float,
    *,
    bias: bool,
    bias_mean: float = 0.0,
    window: PositionMap | None = None,
    few: FewInputs | None = None,
    taps: Window | None = None,
) -> tuple[Kernel, Pullback]:
    """Return the kernel of ``channels`` units z = W h + b and its pullback.

    Forward Z = E[b^2] + sigma_w^2 A, the mean of the units that of the biases, where A is the input's kernel averaged over the window's offsets (the input's
    kernel itself for a dense layer). Backward is the transpose. The weights' part of a Fisher value is
    fan_in <B, A>, the biases' the sum of B (lrbound/theory/mean-field.md, sections 1 and 4).
    """
    averaged = kernel
    if window is not None:
        pair, site, near = window.forward(kernel)
        averaged = Kernel(kernel.channels, window.rows, window.cols, pair, site, near=near)
    out = Kernel(
        channels,
        averaged.rows,
        averaged.cols,
        bias_square + sigma_w2 * averaged.pair,
        sigma_w2 * averaged.site,
        mean=bias_mean,
        near=None if averaged.near is None else averaged.near.scaled(sigma_w2),
        few=few,
    )
    merged = None if window is None or kernel.resolved else _merged(out)

    def pull(gradient: Gradient) -> tuple[Gradient, Share]:
        delta = gradient.delta if merged is None else merged.backward(gradient.delta)
        weights = delta.dot(averaged)
        # under a pooled head nearly all of the coherent gradient cancels below a normaliser, and the projection's second
        # order can leave a little less than nothing
        coherent, trace = fan_in * np.maximum(weights.coherent, 0.0), fan_in * weights.trace
        if bias:
            total = delta.total()
            coherent, trace = coherent + total[..., 0], trace + total[..., 1]
        below = delta if window is None else window.backward(delta)
        lean = None
        if few is not None and window is not None and taps is not None and gradient.leaning is not None:
            from lrbound.meanfield.leaning import below_filters

            leaning = gradient.leaning() if merged is None else merged.backward(gradient.leaning())
            lean = partial(below_filters, leaning, kernel, window, taps, few.norm)
        return Gradient(below.scaled(sigma_w2), lean=lean), Share(coherent, trace)

    return out if merged is None else merged.kernel, pull


def _merged(kernel: Kernel) -> Merge | None:
    from lrbound.meanfield.merge import merge

    return merge(kernel)
