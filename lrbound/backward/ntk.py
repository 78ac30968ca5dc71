"""Tangent kernels: what the parameters below a place contribute to it, between positions of one sample and of two.

T(xa, yb) is the mean over the units at one place of <grad h_a(x), grad h_b(y)>, the gradients with respect to all
parameters below (lrbound/theory/finite-conv.md, section 4). From the input up, with A the forward kernel averaged over
a filter's offsets,

    weights       T -> fan_in A + [bias] + sigma_w^2 (T averaged over the offsets)
    pools, flatten, dropout     as the forward kernel
    normalisers, masks          B' = J B J' holds for any kernel B and J is symmetric: the backward map is the forward map
    joins of branches           as the forward kernels: those of independent arms add up.

Left out: what masks above owe to zhat (the excess of :class:`~lrbound.meanfield.gradient.Gradient`), and a normaliser's own
gamma and beta. A place that this does not reach (max pools, classes of positions that were merged) starts again with its
forward kernel in the place of T. Status: derived.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lrbound.forward.roles import weighted
from lrbound.forward.sweep import Fork
from lrbound.init import NAMED
from lrbound.layers.base import Branching
from lrbound.meanfield.gradient import Gradient, Sums
from lrbound.meanfield.kernel import Kernel, diagonal, embed
from lrbound.meanfield.quadratic_form import INFINITE

if TYPE_CHECKING:
    from lrbound.forward.sweep import Chain, Step
    from lrbound.meanfield.contract import Context, Pullback
    from lrbound.meanfield.positions import Array


class Passage(NamedTuple):
    """Tangent kernels below and above a layer."""

    below: Kernel
    above: Kernel


def along(chain: Chain, start: Kernel, ctx: Context) -> dict[int, Passage]:
    """Return T below and above every layer by the identity of its step; arms add up at joins.

    ``start`` is the forward kernel of the input, which stands for T there.
    """
    found: dict[int, Passage] = {}

    def climb(chain: Chain, below: Kernel | None, stand_in: Kernel) -> Kernel | None:
        for step in chain:
            if isinstance(step, Fork):
                ends = [climb(arm, below, stand_in) or end for arm, end in zip(step.chains, step.ends, strict=True)]
                layer = step.node.layer
                assert isinstance(layer, Branching)
                below = _on_classes_of(step.above, layer.join(ends, ctx)[0])
            else:
                above = _above(step, below, ctx)
                found[id(step)] = Passage(stand_in if below is None else below, above)
                below = above
        return below

    climb(chain, None, start)
    return found


def _on_classes_of(kernel: Kernel, tangent: Kernel) -> Kernel:
    if (tangent.rows, tangent.cols) == (kernel.rows, kernel.cols):
        return tangent
    return _restarted(kernel)


def _restarted(kernel: Kernel) -> Kernel:
    """Return a forward kernel in the place of T."""
    return kernel.becomes(kernel.pair - kernel.mean**2, kernel.site)


def _above(step: Step, below: Kernel | None, ctx: Context) -> Kernel:
    layer, above = step.node.layer, step.above
    if weighted(layer):
        return _weights(step, below, ctx)
    if below is None or layer.selects_positions:
        return _restarted(above)
    if layer.averages_positions:
        return layer.forward(below, ctx)[0]
    if (step.below.rows, step.below.cols) != (above.rows, above.cols):
        return _restarted(above)
    return through(below, step.pull, ctx.samples)


def _weights(step: Step, below: Kernel | None, ctx: Context) -> Kernel:
    layer, above = step.node.layer, step.above
    assert weighted(layer)
    init, fans = layer.init or ctx.init, layer.fans(step.below.channels)
    if init.variance(fans) == 0.0:  # the gradients by the weights do not depend on them
        init = NAMED["lecun"]
        above = replace(step.node.layer, init=init).forward(step.below, ctx)[0]  # type: ignore[call-arg]
    shift = init.bias_square(fans.fan_in) if layer.bias else 0.0
    scale = 1.0 / init.variance(fans)
    pair, site = scale * (above.pair - shift) + float(layer.bias), scale * above.site
    if below is not None:
        lower = step.node.layer.forward(below, ctx)[0]
        if (lower.rows, lower.cols) == (above.rows, above.cols):
            pair, site = pair + lower.pair - shift, site + lower.site
    return above.becomes(pair, site)


def through(kernel: Kernel, pull: Pullback, samples: float) -> Kernel:
    """Return J T J' for the Jacobian J of a layer that keeps positions, from its pullback."""
    single = 1.0 / min(samples, INFINITE)
    share = np.array([single, 1.0 - single])
    between, sites = kernel.pair_weights, kernel.weights
    pair = share[:, None, None, None, None] * (
        between * np.broadcast_to(kernel.pair, (2, *kernel.pair.shape[1:])) + embed(sites * kernel.site)
    )
    site = share[:, None, None] * sites * kernel.on_site
    below = pull(Gradient(Sums(np.stack([pair, pair]), np.stack([site, site]))))[0].delta
    pairs, on_site = _per_pair(below.pair[0], share[:, None, None, None, None]), below.site[0]
    on_site = _per_pair(on_site, share[:, None, None] * sites)
    off = pairs - embed(_per_pair(below.site[0], share[:, None, None] * np.ones_like(sites)))
    number = between - embed(sites)
    off = np.divide(off, number, out=np.zeros_like(off), where=number > 0.5)
    return kernel.becomes(off, on_site - diagonal(off))


def _per_pair(sums: Array, number: Array) -> Array:
    return np.divide(sums, number, out=np.zeros_like(sums), where=np.broadcast_to(number, sums.shape) > 0.0)
