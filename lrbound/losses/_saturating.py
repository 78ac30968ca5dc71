"""What the losses have in common whose Hessian depends on the outputs and vanishes as they grow: those of probabilities."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from lrbound.errors import Refused
from lrbound.losses.base import Fitted, Logits, Loss
from lrbound.meanfield import normal

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lrbound.losses._hessians import OutputHessians, Steepest

DRAWS_TIMES_OUTPUTS = 2_000_000
"""Logits drawn for the law of Q: some 64 initialisations of 1000 samples at 30 outputs."""
MOST_OUTPUTS = 1_000_000
"""Outputs whose logits are drawn: eight samples of them at least, some two seconds for as many as these."""

FITTED_LOGITS = 12.0
"""Size of logits that fit their targets, and how much the curvature varies between samples then: few are still in doubt. Both
fitted on 31 trained networks that were looked at (lrbound/theory/rates.md, section 12)."""
IN_DOUBT = 10.0
STEEPEST = 0.25
"""Largest p (1 - p)."""


class SaturatingLoss(Loss):
    """A loss with Q of drawn logits: a member says what Q is for given logits.

    Small logits have the same Q for all samples. In between the coherent direction sees the mean of Q over the samples, so
    that the factor is E[lambda_max(E_x Q_x)] with Gaussian logits of variance q and covariance q_xy. Where single samples or
    the bulk of the complement dominate, other samples and combinations of outputs count (:mod:`lrbound.curvature.softmax`).
    """

    diverges: ClassVar[bool] = False

    def hessians_at(self, logits: NDArray[np.float32]) -> OutputHessians:
        """Return Q at logits of shape (initialisations, samples, outputs), which may be overwritten."""
        raise NotImplementedError(self.kind)

    def factor(self, logits: Logits) -> float:
        """Return the mean over initialisations of lambda_max(E_x Q_x).

        The values are in (0, ``most``]; the sampling error of the mean is 1 % at 10 outputs and 3 % at 1000.
        """
        return float(_steepest(self, logits).values.mean())

    def noise_factor(self, logits: Logits) -> float:
        """Return the curvature of single samples along the mean gradients, not below that of the mean over the samples."""
        return max(self.factor(logits), _noise(self, logits))

    def fitted(self, outputs: int, target_scale: float) -> Fitted:
        """Return logits that fit; their size is that of probabilities, whatever the scale of the targets."""
        del target_scale
        return Fitted(FITTED_LOGITS, STEEPEST, min(IN_DOUBT, float(outputs)))

    def hessians(self, logits: Logits, samples: float) -> OutputHessians:
        """Return Q of drawn logits for at most so many samples."""
        if logits.outputs > MOST_OUTPUTS:
            raise Refused(
                f"{self.kind} over {logits.outputs} outputs: its Hessian is averaged over drawn logits, of at most "
                f"{MOST_OUTPUTS} outputs; take fewer outputs, or half_squared_error, whose Hessian is the identity"
            )
        most = most_samples(logits.outputs)
        return _hessians(self, logits, int(min(most, samples)))


def most_samples(outputs: int) -> int:
    """Return how many samples are drawn for each initialisation at most."""
    return int(np.clip(DRAWS_TIMES_OUTPUTS / (40 * outputs), 8, 1000))


@lru_cache(maxsize=1)  # the whole law and that of a large batch are the same draws
def _hessians(loss: SaturatingLoss, logits: Logits, samples: int) -> OutputHessians:
    return loss.hessians_at(gaussian_logits(logits, samples))


@lru_cache(maxsize=64)
def _steepest(loss: SaturatingLoss, logits: Logits) -> Steepest:
    return loss.hessians(logits, math.inf).steepest


@lru_cache(maxsize=64)
def _noise(loss: SaturatingLoss, logits: Logits) -> float:
    return loss.hessians(logits, math.inf).noise(_steepest(loss, logits))


def gaussian_logits(logits: Logits, samples: int) -> NDArray[np.float32]:
    """Return drawn logits, shape (initialisations, samples, outputs), of so many samples at most :func:`most_samples`.

    Law of the logits: f_k(x) = m_k + g_k(x), Var m = q_xy shared by all samples, Var g = q - q_xy.
    """
    outputs, most = logits.outputs, most_samples(logits.outputs)
    shared = math.sqrt(max(logits.q_xy, 0.0))
    own = math.sqrt(max(logits.q - max(logits.q_xy, 0.0), 0.0))
    draws = int(np.clip(DRAWS_TIMES_OUTPUTS / (most * outputs), 2, 64))
    noise = (own * normal.draws(1, (most, outputs))).astype(np.float32)
    # outputs are exchangeable: noise that each sample has at other outputs is as good as new noise
    row = (np.arange(draws)[:, None] * samples + np.arange(samples)) % most
    turned = np.lib.stride_tricks.sliding_window_view(np.concatenate([noise, noise], axis=1), outputs, axis=1)
    found = turned[row, np.arange(draws)[:, None] * row % outputs]
    found += (shared * _means(draws, outputs))[:, None, :]
    return found


def _means(draws: int, outputs: int) -> NDArray[np.float64]:
    """Return standard normal means of the outputs; the largest, which matters most, comes from strata of equal weight."""
    means = normal.draws(0, (draws, outputs))
    largest = normal.quantile(((np.arange(draws) + 0.5) / draws) ** (1.0 / outputs))
    # given the largest, the others are as they would be below it
    share = normal.cdf(largest)[:, None]
    means = normal.quantile(normal.cdf(means) * share)
    means[:, 0] = largest
    return means
