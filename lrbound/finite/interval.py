"""Where 90 % of single initialisations fall.

The logarithm of lambda_max is taken as normal around the mean, with a variance for each branch:

    co   the Wishart steps of the mean gradients, sum (1.268 s/J)_m^2 Q_m^2, and the squared mean of the activations over the
         batch, |mean h|^2, which a stage of N units knows to a relative variance shared_m. It is passed on like a
         sample's norm in the branch lo:  U_m = a_{m+1} + sx U_{m+1} + sp Q_{m+1}  (parts of sum a).
    lo   the largest of n normal numbers of variance sg^2: its standard deviation is pi/sqrt(6)/sqrt(2 ln n) of sg (Gumbel).
    de   the Wishart steps of the outputs.

What the recipe itself misses comes on top (theory-finite, section 4): 7 % of lambda_max, or 1.5 % where the coherent
direction wins and everything that matters in it stands above the last batch statistics.

Status: derived in the limit of small variances; the 7 and 1.5 % are the theory file's, seen on its own networks.
Coverage is in tests/finite.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from lrbound.finite.localised import Localised, carried
from lrbound.finite.wishart import Array, log_variance

if TYPE_CHECKING:
    from lrbound.finite.profile import Profile

Z90 = 1.6449
MODEL, MODEL_ABOVE_STATISTICS, MODEL_BRANCHES = 0.07, 0.015, 0.03


def around(mean: float, log_variance: float) -> tuple[float, float]:
    """Return the central 90 % of a log-normal law of this mean."""
    middle, reach = mean * math.exp(-0.5 * log_variance), Z90 * math.sqrt(log_variance)
    return middle * math.exp(-reach), middle * math.exp(reach)


def coherent(profile: Profile) -> float:
    """Return the variance of ln co over initialisations."""
    total = float(profile.coherent.sum())
    if not total > 0.0:
        return MODEL**2
    share = profile.coherent / total
    below = np.cumsum(share)[:-1]
    weight = carried(share, below, profile.shared_slope, profile.mean_slope)
    variance = float(profile.shared @ weight**2) + float(log_variance(profile.outputs, profile.batch_mean) @ below**2)
    variance += float(2.0 * profile.shared_both @ (below * weight[1:]))
    model = MODEL_ABOVE_STATISTICS if profile.above_statistics else MODEL
    return max(variance, 0.0) + model**2


def localised(profile: Profile, branch: Localised) -> float:
    """Return the variance of ln lo over initialisations."""
    count = profile.samples
    scale = 1.0 if count < 4.0 else math.pi / math.sqrt(12.0 * math.log(count))
    return branch.log_variance * min(scale, 1.0) ** 2 + MODEL**2


def bulk(profile: Profile, parts: Array) -> float:
    """Return the variance of ln de over initialisations, from the layers' parts of the bulk."""
    total = float(parts.sum())
    if not total > 0.0:
        return MODEL**2
    below = np.cumsum(parts)[:-1] / total
    return float(log_variance(profile.outputs, profile.bulk) @ below**2) + MODEL**2


def mixed(ratios: Array, variances: Array) -> float:
    """Return the variance of ln lambda_max from those of the branches, given their values over lambda_max.

    Where two branches are within a few per cent, either can win; the power makes the change-over 5 % wide.
    """
    weights = np.minimum(ratios, 1.0) ** 16
    return float(weights @ variances / weights.sum())
