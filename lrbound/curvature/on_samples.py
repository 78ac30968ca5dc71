"""lambda_max on samples of the law that a spec states, by that on white ones."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from lrbound.meanfield.contract import NotBySample
from lrbound.notices import Notice

if TYPE_CHECKING:
    from lrbound.architecture import Architecture
    from lrbound.curvature.estimate import BranchEstimates
    from lrbound.meanfield.contract import Context

NOT_BY_SAMPLE = Notice("LRB040", "input.top_share, mean_share and norm_kurtosis have no effect on lambda_max here")

RATIO_ERROR = 0.3
"""Standard deviation of lambda_max over the logarithm of what samples that are not white make of it: guessed from the networks of
lrbound/theory/data.md, batches of real data among them, which differ from one another."""

DOMINANT = 0.5
"""Share of the first principal component, or of images' means, beyond which batch-normalised nets were measured far above."""


class OnSamples(NamedTuple):
    """What samples that are not white make of lambda_max.

    Attributes
    ----------
    ratio : float or None
        lambda_max on them by that on white ones; None where it is not known.
    log_variance : float
        Variance of its logarithm.
    remarks : tuple of Notice
        What is known to be off.
    """

    ratio: float | None
    log_variance: float = 0.0
    remarks: tuple[Notice, ...] = ()


WHITE = OnSamples(1.0)


def on_samples(network: Architecture, ctx: Context, levels: BranchEstimates) -> OnSamples:
    """Return what samples of the input's law make of lambda_max.

    Parameters
    ----------
    network : Architecture
    ctx : Context
        Of the sweep on white samples.
    levels : BranchEstimates
        Of that sweep.
    """
    if network.input.white:
        return WHITE
    from lrbound.curvature.samples import growth_of, ratio

    dominant = max(network.input.top_component, network.input.mean_share or 0.0)
    over_batch = any(node.layer.over_batch for node, _ in network.unrolled())
    remarks = (_dominated(dominant),) if dominant > DOMINANT and over_batch else ()
    try:
        factor = ratio(network, ctx, growth_of(levels))
    except NotBySample:
        return OnSamples(None, 0.0, (*remarks, NOT_BY_SAMPLE))
    return OnSamples(factor, (RATIO_ERROR * math.log(factor)) ** 2 if factor > 0.0 else 0.0, remarks)


def _dominated(share: float) -> Notice:
    return Notice(
        "LRB041", f"{100.0 * share:.0f} % of the samples' variance is in one component: take a third of the rate"
    )
