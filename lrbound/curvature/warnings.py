"""Where the recipe is known to be off; by how much measured networks were is on the pages of the notices.

See lrbound/theory/finite.md, sections 5 and 7.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from lrbound.notices import Notice

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lrbound.backward.layerwise import LayerwiseStatistics

FEWEST_SAMPLES = 7
"""Below it E[1/s^4] of a batch variance s^2 is close to infinite."""
DEEP_FILTERS = 15
"""Stages from which depthwise networks were measured whose lambda_max is that of single samples."""
MOST_STAGES, MOST_OUTPUTS, MODERATE_BATCH = 155, 20, 64
"""Sizes of the measured networks with branches."""
CHAIN_STAGES = 20
"""Stages up to which chains were measured."""


class Regime(NamedTuple):
    """What of a network the limits depend on.

    Attributes
    ----------
    statistics : bool
        Whether there are batch statistics.
    through : bool
        Whether gradients run through them.
    images : bool
        Whether there are convolutions.
    at_outputs : str or None
        Path of batch statistics above the last weights, if there are any.
    gated : str or None
        Path of the first layer that is neither weights nor a normaliser and has parameters, if there is one.
    grouped : str or None
        Path of the first convolution over groups of channels, if there is one.
    """

    statistics: bool
    through: bool
    images: bool
    at_outputs: str | None
    gated: str | None
    grouped: str | None


def limits(profile: LayerwiseStatistics, regime: Regime) -> tuple[Notice, ...]:
    """Return a notice for each regime that the network is in."""
    return (*_few_samples(profile, regime), *_kinds_of_layers(profile, regime), *_sizes(profile))


def _few_samples(profile: LayerwiseStatistics, regime: Regime) -> Iterator[Notice]:
    n, outputs, stages = profile.samples, profile.outputs, len(profile.one_sample)
    through = regime.statistics and regime.through
    if through and n < FEWEST_SAMPLES and not regime.images:
        far = "9" if n >= FEWEST_SAMPLES - 1 else "50" if n >= FEWEST_SAMPLES - 2 else "more than 50"
        yield Notice("LRB012", f"batch statistics over {n:g} samples: measured {far} % above lambda_max")
    elif through and n <= 8 and outputs >= 30:
        text = f"batch statistics over {n:g} samples, {outputs} outputs: measured 15 to 23 % above lambda_max"
        yield Notice("LRB015", text)
    many = outputs >= 0.1 * float(profile.one_sample.min(initial=1e300))
    if regime.statistics and not regime.through and stages >= 5 and many:
        text = f"frozen batch statistics, {stages} stages, {outputs} outputs: measured 15 to 50 % above lambda_max"
        yield Notice("LRB016", text)
    if through and regime.at_outputs is not None:
        text = "batch statistics at the outputs: measured networks were 50 % above lambda_max"
        yield Notice("LRB017", text, regime.at_outputs)


def _kinds_of_layers(profile: LayerwiseStatistics, regime: Regime) -> Iterator[Notice]:
    stages = len(profile.one_sample)
    if regime.gated is not None:
        text = "channels are gated: where single samples stand out, measured up to 26 % above lambda_max"
        yield Notice("LRB018", text, regime.gated)
    if regime.grouped is not None and regime.statistics and regime.through and stages >= DEEP_FILTERS:
        text = f"convolutions over groups in {stages} stages: measured 14 % below to 12 % above lambda_max"
        yield Notice("LRB019", text, regime.grouped)


def _sizes(profile: LayerwiseStatistics) -> Iterator[Notice]:
    n, outputs, stages = profile.samples, profile.outputs, len(profile.one_sample)
    branches = profile.routes.branches
    if stages > CHAIN_STAGES and not branches:
        text = f"{stages} stages: checked up to {CHAIN_STAGES}, where networks were up to 10 % below lambda_max"
        yield Notice("LRB020", text)
    if branches and (stages > MOST_STAGES or outputs > MOST_OUTPUTS):
        sizes = ((stages, MOST_STAGES, "stages"), (outputs, MOST_OUTPUTS, "outputs"))
        beyond = [(size, most, what) for size, most, what in sizes if size > most]
        here = ", ".join(f"{size} {what}" for size, _, what in beyond)
        checked = ", ".join(f"{most} {what}" for _, most, what in beyond)
        yield Notice("LRB021", f"branches with {here}: checked up to {checked}")
    elif branches and n <= MODERATE_BATCH:
        yield Notice("LRB022", f"branches at a batch of {n:g}: measured 15 % below to 37 % above lambda_max")


FEW_VALUES = 8
"""Values of a sample in a set of its own statistics, below which single samples were seen to stand out."""


def few_values(least: float, path: str | None, stages: int) -> tuple[Notice, ...]:
    """Return a notice where statistics of one sample, of the layer at ``path``, are over so few values."""
    if least >= FEW_VALUES:
        return ()
    far = "1.8" if stages <= 2 else "2.8"
    text = f"statistics over {least:g} values of one sample: measured up to {far} times above lambda_max"
    return (Notice("LRB023", text, path),)


WIDE = 1.0
"""Variance of the logarithm between samples from which on the largest of them is hardly known."""


def wide(log_variance: float) -> tuple[Notice, ...]:
    """Return a notice where the top sits on one of samples that differ so much."""
    if log_variance < WIDE:
        return ()
    factor = math.exp(math.sqrt(log_variance))
    text = f"single samples decide, and differ by a factor of {factor:.2g}: measured 0.5 to 1.25 of lambda_max"
    return (Notice("LRB024", text),)


UNEVEN = 0.5
"""Part of the coherent branch from which on the others count in networks with convolutions."""
UNMIXED = 0.25
"""The same with branches but no normaliser, where a tenth of lambda_max and more came from it."""


ON_MAPS = Notice("LRB025", "single samples or the bulk matter on maps: measured 11 % below to 30 % above lambda_max")
BESIDE_BRANCHES = Notice(
    "LRB026", "single samples or the bulk matter, branches and no normaliser: up to 18 % above lambda_max"
)


def complement(share: float, *, images: bool, branches: bool, normalised: bool) -> tuple[Notice, ...]:
    """Return a notice where the complement counts for more than is known, ``share`` being its part of the coherent branch."""
    if branches:
        return (BESIDE_BRANCHES,) if share > UNMIXED and not normalised else ()
    return (ON_MAPS,) if share > UNEVEN and images else ()


WEIGHTLESS = Notice("LRB029", "no layer has weights: lambda_max is to leading order in the width")
UNTRACKED = Notice("LRB027", "branches multiply: lambda_max is to leading order, measured up to 4 times above it")
"""lrbound/theory/finite-conv.md, section 5: lambda / co of its residual nets."""
