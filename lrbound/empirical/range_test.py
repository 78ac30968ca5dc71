"""The learning-rate range test: a hundred steps at growing rates, and three rules that read a rate off the loss.

The sweep and the rules are fastai's ``lr_find`` with its defaults (Smith 2017, Cyclical learning rates for training
neural networks, is the origin of the test): the rate grows by a constant factor in every step, the loss is smoothed
by an exponential average without its bias, the test ends where the smoothed loss is above 4 times its minimum, and the
rules see neither the first tenth nor the last 5 values.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch
    from numpy.typing import NDArray

    from lrbound.empirical.training import Descent

FIRST_RATE, LAST_RATE, STEPS = 1e-7, 10.0, 100
SMOOTHING = 0.98
"""Weight of the past in the exponential average."""
DIVERGED = 4.0
"""Multiple of the smallest smoothed loss at which the test ends."""
SKIPPED_AT_END = 5


@dataclass(frozen=True)
class Suggestions:
    """The rate that each rule reads off a range test; None where too few losses are finite.

    Attributes
    ----------
    valley : float or None
        The middle of the longest valley: half-way through the longest decreasing subsequence of the smoothed loss.
    steepest : float or None
        Where the smoothed loss falls fastest per unit of log rate.
    minimum : float or None
        A tenth of the rate at the smallest smoothed loss.
    """

    valley: float | None
    steepest: float | None
    minimum: float | None


def rates(first: float = FIRST_RATE, last: float = LAST_RATE, steps: int = STEPS) -> NDArray[np.float64]:
    """Return the rate of every step: from ``first`` on, by a factor with which ``last`` would be the next one."""
    exponents: NDArray[np.float64] = np.arange(steps) / steps
    result: NDArray[np.float64] = first * (last / first) ** exponents
    return result


@dataclass
class Smoothed:
    """Exponential average of losses, divided by the sum of its weights.

    Attributes
    ----------
    values : list of float
        The average after every loss.
    """

    values: list[float] = field(default_factory=list)
    _sum: float = 0.0

    def add(self, loss: float) -> bool:
        """Take a loss; return whether the average is above ``DIVERGED`` times its minimum."""
        self._sum = SMOOTHING * self._sum + (1.0 - SMOOTHING) * loss
        self.values.append(self._sum / (1.0 - SMOOTHING ** (len(self.values) + 1)))
        return self.values[-1] > DIVERGED * min(self.values)


def range_test(descent: Descent, optimizer: torch.optim.Optimizer) -> Suggestions:
    """Train for 100 steps at growing rates and read the rules' rates off the loss.

    Parameters
    ----------
    descent : Descent
        From :func:`lrbound.empirical.training.prepare`.
    optimizer : torch.optim.Optimizer
        Of its parameters.

    Returns
    -------
    Suggestions
    """
    smoothed, tried = Smoothed(), rates()
    descent.losses(optimizer, tried, smoothed.add)
    return suggest(tried[: len(smoothed.values)], smoothed.values)


def suggest(tried: Sequence[float] | NDArray[np.float64], smoothed: Sequence[float]) -> Suggestions:
    """Return what the rules say about the smoothed losses of a whole test.

    Parameters
    ----------
    tried, smoothed : sequence of float
        Rate and smoothed loss of every step.

    Returns
    -------
    Suggestions
    """
    window = slice(STEPS // 10, -SKIPPED_AT_END)
    x, losses = np.asarray(tried, dtype=np.float64)[window], np.asarray(smoothed, dtype=np.float64)[window]
    lost = np.flatnonzero(np.isnan(losses))
    if len(lost):
        x, losses = x[: lost[0]], losses[: lost[0]]
    if len(losses) < 2:
        return Suggestions(None, None, None)
    slopes = np.diff(losses) / np.diff(np.log(x))
    middle = _valley(losses)
    return Suggestions(float(x[middle]), float(x[slopes.argmin()]), float(x[losses.argmin()]) / 10.0)


def _valley(losses: NDArray[np.float64]) -> int:
    """Return the place of fastai's valley.

    ``length[i]`` is that of the longest strictly decreasing subsequence that ends at i. The valley reaches from the
    place that lies as many steps before the end of the longest one as it is long, to that end; the place is a third and a sixth of the
    way along.
    """
    length = np.ones(len(losses), dtype=int)
    for end in range(1, len(losses)):
        above = length[:end][losses[:end] > losses[end]]
        length[end] = 1 + above.max(initial=0)
    end = int(length.argmax())
    start = end - int(length[end])
    third = (end - start) / 3
    return max(start + math.floor(third) + math.floor(third / 2), 0)
