"""Where 90 % of single initialisations fall.

The logarithm of lambda_max is taken as normal around the mean, with a variance for each branch:

    co   the Wishart steps of the mean gradients, sum (1.268 s/J)_m^2 Q_m^2, and the squared mean of the activations over the
         batch, |mean h|^2, which a stage of N units knows to a relative variance shared_m. It is passed on like a
         sample's norm in the branch lo:  U_m = a_{m+1} + sx U_{m+1} + sp Q_{m+1}  (parts of co, grown). Statistics of a
         sample or of a group fix the sum of squares over the units; what |mean h|^2 owes to it is taken out, and
         nothing is passed on (lrbound/theory/normalisers.md, section 5).
    lo   the largest of n normal numbers of variance sg^2: its standard deviation is pi/sqrt(6)/sqrt(2 ln n) of sg (Gumbel);
         and what the Wishart steps do to all samples alike.
    de   the Wishart steps of the outputs.

What the recipe itself misses comes on top (lrbound/theory/finite.md, section 4): 7 % of lambda_max; where the coherent
direction wins and most of it stands above the last batch statistics 1.5 %, and 20 % of the part below them (3 % in
place of the 1.5 % for networks with branches).

Status: derived in the limit of small variances; the 7 and 1.5 % are the theory file's, the 20 and 3 % were set on convolutional
nets of batch_norm.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from lrbound.curvature.coherent import parts
from lrbound.curvature.wishart import Array, log_variance

if TYPE_CHECKING:
    from lrbound.backward.layerwise import LayerwiseStatistics
    from lrbound.curvature.localized import Localized

Z90 = 1.6449
MODEL, MODEL_ABOVE_STATISTICS, MODEL_BELOW_STATISTICS, MODEL_BRANCHES = 0.07, 0.015, 0.2, 0.03

LARGEST = 1.0
"""Beyond a factor of 5 either way the variances are no longer small, and the theory says nothing."""


def around(mean: float, log_variance: float) -> tuple[float, float]:
    """Return the central 90 % of a log-normal law of this mean."""
    middle, reach = mean * math.exp(-0.5 * log_variance), Z90 * math.sqrt(log_variance)
    return middle * math.exp(-reach), middle * math.exp(reach)


def coherent(profile: LayerwiseStatistics) -> float:
    """Return the variance of ln co over initialisations."""
    grown = parts(profile)
    total = float(grown.sum())
    if not total > 0.0:
        return MODEL**2
    share = grown / total
    stages, below = profile.flow(share, coherent=True)
    weight = profile.carried(share, below, profile.shared_slope, profile.mean_slope, coherent=True)
    variance = float(profile.shared @ weight**2) + float(log_variance(profile.outputs, profile.batch_mean) @ stages**2)
    variance += float(2.0 * profile.shared_both @ (below * weight[1:]))
    if not profile.above_statistics:
        return max(variance, 0.0) + MODEL**2
    lower = float(profile.coherent[:-1].sum()) / total
    above = MODEL_BRANCHES if profile.routes.branches else MODEL_ABOVE_STATISTICS
    return max(variance, 0.0) + above**2 + (MODEL_BELOW_STATISTICS * lower) ** 2


def localized(profile: LayerwiseStatistics, branch: Localized) -> float:
    """Return the variance of ln lo over initialisations."""
    count = profile.samples
    scale = 1.0 if count < 4.0 else math.pi / math.sqrt(12.0 * math.log(count))
    return branch.log_variance * min(scale, 1.0) ** 2 + branch.shared + MODEL**2


def bulk(profile: LayerwiseStatistics, values: Array) -> float:
    """Return the variance of ln de over initialisations, from the layers' parts of the bulk."""
    total = float(values.sum())
    if not total > 0.0:
        return MODEL**2
    stages, _ = profile.flow(values)
    return float(log_variance(profile.outputs, profile.bulk) @ (stages / total) ** 2) + MODEL**2


def mixed(ratios: Array, variances: Array) -> float:
    """Return the variance of ln lambda_max from those of the branches, given their values over lambda_max.

    Where two branches are within a few per cent, either can win; the power makes the change-over 5 % wide.
    """
    weights = np.minimum(ratios, 1.0) ** 16
    if not weights.sum() > 0.0:  # no branch has a value, so neither has lambda_max
        return MODEL**2
    return min(float(weights @ variances / weights.sum()), LARGEST)
