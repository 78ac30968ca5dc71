"""Where the recipe is known to be off, and by how much measured networks were.

See lrbound/theory/finite.md, sections 5 and 7.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lrbound.backward.layerwise import LayerwiseStatistics

FEWEST_SAMPLES = 7
"""Below it E[1/s^4] of a batch variance s^2 is close to infinite."""
DEEP_FILTERS = 15
"""Stages from which depthwise networks were measured whose lambda_max is that of single samples."""
MOST_STAGES, MOST_OUTPUTS, MODERATE_BATCH = 155, 20, 64
"""Sizes of the measured networks with branches."""


def limits(
    profile: LayerwiseStatistics,
    *,
    statistics: bool,
    through: bool,
    images: bool,
    at_outputs: bool,
    gated: bool,
    grouped: bool,
) -> tuple[str, ...]:
    """Return a sentence for each regime that the network is in.

    Parameters
    ----------
    profile : LayerwiseStatistics
    statistics : bool
        Whether there are batch statistics.
    through : bool
        Whether gradients run through them.
    images : bool
        Whether there are convolutions.
    at_outputs : bool
        Whether batch statistics stand above the last weights.
    gated : bool
        Whether layers that are neither weights nor normalisers have parameters.
    grouped : bool
        Whether there are convolutions over groups of channels.
    """
    found = []
    n, outputs, stages = profile.samples, profile.outputs, len(profile.one_sample)
    if statistics and through and n < FEWEST_SAMPLES and not images:
        found.append(
            f"batch statistics over {n:g} samples: rare initialisations dominate the mean; measured networks were 9 % "
            "above lambda_max at 6 samples and 50 % above at 5"
        )
    elif statistics and through and n <= 8 and outputs >= 30:
        found.append(
            f"batch statistics over {n:g} samples with {outputs} outputs: measured networks were 15 to 23 % above "
            "lambda_max"
        )
    if statistics and not through and stages >= 5 and outputs >= 0.1 * float(profile.one_sample.min(initial=1e300)):
        found.append(
            "frozen batch statistics in a deep net with many outputs for its width: measured networks were 15 to 50 % "
            "above lambda_max"
        )
    if statistics and through and at_outputs:
        found.append(
            "batch statistics at the outputs: their spread is not tracked, and measured networks were 50 % above lambda_max"
        )
    if gated:
        found.append(
            "channels are gated: where single samples stand out, that raised lambda_max of measured networks by up to 1.6 "
            "times, predicted to 8 % (rms of 24 networks); EfficientNet-B0 at half its width was 26 % above lambda_max at a "
            "batch of 32"
        )
    if grouped and statistics and through and stages >= DEEP_FILTERS:
        found.append(
            f"convolutions over groups of channels in {stages} stages: measured networks were 14 % below to 12 % above "
            "lambda_max, and 36 % below it with silu and no gates (EfficientNet-B0 at half its width)"
        )
    if stages > 20 and not profile.routes.branches:
        found.append(
            f"{stages} stages: the growth of lambda_max at finite width was checked up to 20, where measured networks "
            "were up to 10 % below lambda_max"
        )
    if profile.routes.branches and (stages > MOST_STAGES or outputs > MOST_OUTPUTS):
        found.append(
            f"branches with {stages} stages and {outputs} outputs: the corrections at finite size were checked up to "
            f"{MOST_STAGES} stages and {MOST_OUTPUTS} outputs"
        )
    elif profile.routes.branches and n <= MODERATE_BATCH:
        found.append(
            f"branches at a batch of {n:g}: what masks on a residual stream share is tracked in part; measured networks were "
            "15 % below to 37 % above lambda_max where single samples dominate, most above it for pre-activation stacks, and "
            "up to 10 % off where the mean over the batch does"
        )
    return tuple(found)


FEW_VALUES = 8
"""Values of a sample in a set of its own statistics, below which single samples were seen to stand out."""


def few_values(least: float) -> tuple[str, ...]:
    """Return a sentence where statistics of one sample are over so few values."""
    if least >= FEW_VALUES:
        return ()
    return (
        (
            f"statistics over {least:g} values of one sample: samples in which they are nearly alike stand out; measured dense "
            "networks over 4 to 7 values were up to 2.8 times above lambda_max with 6 layers, and up to 1.8 times with 2"
        ),
    )


WIDE = 1.0
"""Variance of the logarithm between samples from which on the largest of them is hardly known."""


def wide(log_variance: float) -> tuple[str, ...]:
    """Return a sentence where the top sits on one of samples that differ so much."""
    if log_variance < WIDE:
        return ()
    return (
        (
            f"single samples decide, and differ by a factor of {math.exp(math.sqrt(log_variance)):.2g} (one standard deviation): "
            "measured networks were half of lambda_max to a quarter above it"
        ),
    )


UNEVEN = 0.5
"""Part of the coherent branch from which on the others count in networks with convolutions."""
UNMIXED = 0.25
"""The same with branches but no normaliser, where a tenth of lambda_max and more came from it."""


ON_MAPS = (
    "single samples or the bulk of the spectrum matter in a network with convolutions: measured networks were 11 % below to "
    "30 % above lambda_max, and up to 50 % above it on maps of 2x2 positions and where a max pool leaves 3x3"
)
BESIDE_BRANCHES = (
    "single samples or the bulk of the spectrum matter in a network with branches and no normaliser: measured pre-activation "
    "tanh networks of 20 outputs were up to 18 % above lambda_max, most where single samples dominate"
)


def complement(share: float, *, images: bool, branches: bool, normalised: bool) -> tuple[str, ...]:
    """Return a sentence where the complement counts for more than is known, ``share`` being its part of the coherent branch."""
    if branches:
        return (BESIDE_BRANCHES,) if share > UNMIXED and not normalised else ()
    return (ON_MAPS,) if share > UNEVEN and images else ()


UNTRACKED = (
    "lambda_max of a network with a product of branches is to leading order in the width: at small batches and in deep stacks "
    "of batch_norm, measured networks with branches were up to 4 times above it, and one with a gate in every block (an "
    "EfficientNet with the gates' own initialisation) 40 times"
)
"""lrbound/theory/finite-conv.md, section 5: lambda / co of its residual nets."""
