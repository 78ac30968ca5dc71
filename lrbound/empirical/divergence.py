"""When a run counts as diverged, and when its loss has grown.

Measured training (theory, section 7) overshoots for a few steps from about half of the stable rate on and recovers,
so a high loss on the way is not divergence. What counts is where the run ends.
"""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

GROWN = 2.0
"""A loss above this many times its initial value has grown."""
EXPLODED = 1e6
"""A run is cut short where its loss exceeds this many times the initial value: none that was seen came back."""
FIRST_STEPS = 20
"""Steps in which the onset is looked for."""


def exploded(loss: float, initial: float) -> bool:
    """Return whether there is no use in going on."""
    return not math.isfinite(loss) or loss > EXPLODED * initial


def final_loss(losses: Sequence[float]) -> float:
    """Return the median of the last tenth of the losses (5 at least): one bad batch does not decide."""
    return statistics.median(losses[-max(5, len(losses) // 10) :])


def diverged(losses: Sequence[float], initial: float) -> bool:
    """Return whether a run diverged.

    It did if a loss is not finite or above ``EXPLODED`` times the initial one at any step, or if the median of the
    last tenth of the steps is above ``GROWN`` times the initial loss: such a run has failed, while one that
    overshoots and comes back below has not.
    """
    return any(exploded(loss, initial) for loss in losses) or final_loss(losses) > GROWN * initial


def grew(losses: Sequence[float], initial: float) -> bool:
    """Return whether one of the first ``FIRST_STEPS`` losses is above ``GROWN`` times the initial one: the onset."""
    return any(exploded(loss, initial) or loss > GROWN * initial for loss in losses[:FIRST_STEPS])
