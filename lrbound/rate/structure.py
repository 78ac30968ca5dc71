"""Structure of the data: what directions between samples add to the curvature that one step sees in the mean.

K2 is the curvature along the mean of all samples, K1 the trace. Samples that share more than their mean, a first principal
component say, put a share s of the rest K1 - K2 into one direction, too. Statistics of the data as in
:class:`~lrbound.input_law.Input`. See lrbound/theory/rates.md, sections 2 and 3.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrbound.input_law import Input
    from lrbound.rate.exposed import Exposed

CENTRED_RELU = 0.25 / (0.5 - 0.5 / math.pi)
"""Slope at 0 of the correlation map of a ReLU above a normaliser: what a layer keeps of a small correlation."""
WIDE_HEAD = 0.6
"""Share that training makes of a centred head's trace with more than ``FEW`` outputs; fitted (lrbound/theory/rates.md, section 3)."""
FEW = 3


def shared_direction(law: Input) -> float:
    """Return the share of what differs between samples that lies in their first principal component.

    White samples with d features have 1/d: no batch sees more than d directions.
    """
    rest = 1.0 - law.correlation
    if rest <= 0.0:
        return 0.0
    return min(max(law.top_component / rest, 1.0 / math.prod(law.shape)), 1.0)


def structured_share(
    layers: Sequence[Exposed], law: Input, *, normalisers: int, over_batch: bool, outputs: int
) -> float:
    """Return s: the share of K1 - K2 that the data put into one direction.

    Parameters
    ----------
    layers : sequence of Exposed
        The layers that no normaliser above makes scale invariant.
    law : Input
    normalisers : int
        How many the network has.
    over_batch : bool
        Whether their statistics run over the batch and so take away what all samples share.
    outputs : int
    """
    share = shared_direction(law)
    if over_batch:
        share *= CENTRED_RELU ** (normalisers - 1 if len(law.shape) == 1 else 2)
    return max(share, 1.0 if outputs <= FEW else WIDE_HEAD) if normalisers and _centred(layers) else share


def _centred(layers: Sequence[Exposed]) -> bool:
    """Whether the head sees features with a mean of 0: training gives them a common direction within a few steps.

    A ReLU between the last normaliser and the weights leaves 1/pi of the trace along the mean.
    """
    weights = [layer for layer in layers if layer.has_weights]
    mean = math.fsum(layer.coherent - 1.0 for layer in weights)
    return mean < 0.25 * math.fsum(layer.trace - 1.0 for layer in weights)
