"""Normalisation over the channels at each position of each sample, forward and back.

What the mean and the variance absorb of a gradient is two of the channels' directions and left out, so that this is the leading
order in the number of channels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lrbound.meanfield.gradient import Gradient, Share
from lrbound.meanfield.kernel import SAME, outer
from lrbound.meanfield.statistics import without_mean

if TYPE_CHECKING:
    from lrbound.meanfield.contract import Context, Pullback
    from lrbound.meanfield.kernel import Kernel
    from lrbound.meanfield.statistics import Statistics


def at_each_position(
    kernel: Kernel,
    ctx: Context,
    statistics: Statistics,
    *,
    eps: float,
    gamma: float,
    beta: float = 0.0,
    learnable: bool = False,
) -> tuple[Kernel, Pullback]:
    """Return the kernel of gamma zhat + beta, zhat normalised by itself at every position, and the pullback.

    With ``learnable`` gamma and beta of each channel have the parts <B, zhat zhat'> and the sum of B of a Fisher value.
    """
    values = without_mean(kernel, ctx, statistics)
    left = 1.0 - 1.0 / kernel.channels
    inverse = 1.0 / np.sqrt(left * values.on_site[..., SAME, :, :] + eps)
    pair_scale, site_scale = outer(inverse)[..., None, :, :, :, :], inverse[..., None, :, :] ** 2
    near = values.near
    zhat = values.becomes(
        left * values.pair * pair_scale,
        left * values.site * site_scale,
        gaussian=kernel.gaussian,
        near=None if near is None else near.of(left * near.values * near.product(inverse)),
    )
    square = gamma**2
    out = zhat.becomes(
        square * zhat.pair + beta**2,
        square * zhat.site,
        mean=beta,
        gaussian=kernel.gaussian,
        near=None if zhat.near is None else zhat.near.scaled(square),
    )
    sites = np.concatenate([square * site_scale] * 2, axis=-3)

    def pull(gradient: Gradient) -> tuple[Gradient, Share | None]:
        below = Gradient(gradient.delta.times(square * pair_scale, sites))
        if not learnable:
            return below, None
        product, total = gradient.delta.dot(zhat), gradient.delta.total()
        return below, Share(np.maximum(product.coherent, 0.0) + total[..., 0], product.trace + total[..., 1])

    return out, pull
