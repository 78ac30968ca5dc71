"""When a run counts as diverged, and when its loss has grown.

Measured training (lrbound/theory/mean-field.md, section 7) overshoots for a few steps from about half of the stable
rate on and recovers, so a high loss on the way is not divergence. What counts is how the run ends. Above the stable
rate it ends in one of two ways: the loss grows without bound, or the network collapses: the overshoot kills its units
or shrinks its gammas, and from then on it gives the same outputs for every sample, with the loss of a constant.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

GROWN = 2.0
"""A loss above this many times its initial value has grown."""
EXPLODED = 1e6
"""A run is cut short where its loss exceeds this many times the initial value: none that was seen came back."""
COLLAPSED = 0.9
"""A run that ends above this fraction of the loss of the best constant outputs, after its loss grew, has collapsed."""
FIRST_STEPS = 20
"""Steps in which the onset is looked for."""


@dataclass(frozen=True)
class Judge:
    """Decides what the losses of a run mean.

    Attributes
    ----------
    initial : float
        The loss before the first step.
    constant : float
        The loss of the best outputs that are the same for all samples.
    """

    initial: float
    constant: float

    def hopeless(self, loss: float) -> bool:
        """Return whether there is no use in going on: not finite, or above ``EXPLODED`` times the initial loss."""
        return not math.isfinite(loss) or loss > EXPLODED * self.initial

    def exploded(self, losses: Sequence[float]) -> bool:
        """Return whether a step was hopeless, or the run ends above ``GROWN`` times the initial loss."""
        return any(map(self.hopeless, losses)) or final_loss(losses) > GROWN * self.initial

    def collapsed(self, losses: Sequence[float]) -> bool:
        """Return whether the loss grew at some step and the run ends with the loss of constant outputs."""
        return max(losses) > GROWN * self.initial and final_loss(losses) > COLLAPSED * self.constant

    def diverged(self, losses: Sequence[float]) -> bool:
        """Return whether the run exploded or collapsed."""
        return self.exploded(losses) or self.collapsed(losses)

    def grew(self, losses: Sequence[float]) -> bool:
        """Return whether one of the first ``FIRST_STEPS`` losses is above ``GROWN`` times the initial one."""
        return any(self.hopeless(loss) or loss > GROWN * self.initial for loss in losses[:FIRST_STEPS])


def final_loss(losses: Sequence[float]) -> float:
    """Return the median of the last tenth of the losses (5 at least): one bad batch does not decide."""
    return statistics.median(losses[-max(5, len(losses) // 10) :])
