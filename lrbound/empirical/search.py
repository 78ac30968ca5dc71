"""The smallest rate at which something happens, by bisection on a logarithmic axis; one question at a time."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

ACCURACY = 1.05
"""Ratio of the two ends at which a bisection stops."""
EXPAND = 2.0
REACH = 128.0
"""How far from its start, as a ratio, a bisection looks."""


@dataclass
class Bisection:
    """Brackets a rate and halves the bracket, without knowing what is asked of a rate.

    ``next_rate`` says which rate to try, ``tell`` takes the answer, until ``next_rate`` is None.

    Attributes
    ----------
    start : float
        Where to begin: the prediction.
    accuracy : float
        The bracket's ratio at which it ends.
    low, high : float or None
        The largest rate known to be below, the smallest known to be above.
    """

    start: float
    accuracy: float = ACCURACY
    reach: float = REACH
    low: float | None = field(default=None, init=False)
    high: float | None = field(default=None, init=False)

    @property
    def next_rate(self) -> float | None:
        """The rate to try next; None at the end."""
        low, high = self.low, self.high
        if low is None and high is None:
            return self.start
        if high is None:
            assert low is not None
            return low * EXPAND if low * EXPAND <= self.start * self.reach * 1.001 else None
        if low is None:
            return high / EXPAND if high / EXPAND * 1.001 >= self.start / self.reach else None
        return math.sqrt(low * high) if high / low > self.accuracy else None

    def tell(self, *, above: bool) -> None:
        """Take the answer for ``next_rate``."""
        if above:
            self.high = self.next_rate
        else:
            self.low = self.next_rate

    @property
    def value(self) -> float | None:
        """The middle of the bracket; None where there is none."""
        if self.low is None or self.high is None:
            return None
        return math.sqrt(self.low * self.high)

    @property
    def remaining(self) -> int:
        """About how many rates are still to be tried."""
        if self.next_rate is None:
            return 0
        ratio = self.high / self.low if self.low is not None and self.high is not None else EXPAND**2
        return max(1, math.ceil(math.log2(math.log(ratio) / math.log(self.accuracy))))
