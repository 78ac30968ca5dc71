"""What the losses have in common whose Hessian depends on the outputs and vanishes as they grow: those of probabilities."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from lrbound.losses.base import Fitted, Logits, Loss, Residuals
from lrbound.meanfield import normal

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lrbound.losses._hessians import OutputHessians, Steepest
    from lrbound.losses.base import TargetLaw

DRAWS_TIMES_OUTPUTS = 2_000_000
"""Logits drawn for the law of Q: some 64 initialisations of 1000 samples at 30 outputs."""
MOST_OUTPUTS = 1_000_000
"""Outputs whose logits are drawn: eight samples of them at least, some two seconds for as many as these. The vocabularies of language
models have a quarter of it."""

FITTED_LOGITS = 12.0
"""Size of logits that fit their targets, and how much the curvature varies between samples then: few are still in doubt. Both
fitted on trained networks (lrbound/theory/rates.md, section 12)."""
IN_DOUBT = 10.0
STEEPEST = 0.25
"""Largest q = p (1 - p)."""
ON_THE_WAY = 0.2
"""E q^2/E q for probabilities p that are spread evenly between 0 and 1, as those of samples are that are being learned."""
TINY = 1e-300


class SaturatingLoss(Loss):
    """A loss with Q of drawn logits: a member says what Q is for given logits.

    Small logits have the same Q for all samples. In between the coherent direction sees the mean of Q over the samples, so
    that the factor is E[lambda_max(E_x Q_x)] with Gaussian logits of variance q and covariance q_xy. Where single samples or
    the bulk of the complement dominate, other samples and combinations of outputs count (:mod:`lrbound.curvature.softmax`).
    """

    diverges: ClassVar[bool] = False
    tolerated: ClassVar[float] = 7.5
    """Half of 65 trained networks failed below 7.7 times the largest rate (lrbound/theory/rates.md, section 12)."""

    def check(self, outputs: int) -> str | None:
        """Refuse more outputs than Q can be drawn for."""
        if outputs <= MOST_OUTPUTS:
            return None
        return f"{self.kind} is answered for at most {MOST_OUTPUTS} outputs, got {outputs}; half_squared_error has no such bound"

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
        return Fitted(FITTED_LOGITS, STEEPEST, min(IN_DOUBT, float(outputs)), ON_THE_WAY)

    def probabilities(self, logits: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the probabilities p of logits (initialisations, samples, outputs): a residual is a multiple of p - y."""
        raise NotImplementedError(self.kind)

    def frequency(self, outputs: int, targets: TargetLaw) -> float:
        """Return E y of an output."""
        raise NotImplementedError(self.kind)

    def square(self, outputs: int, targets: TargetLaw) -> float:
        """Return E y^2 of an output; targets are 0 or 1."""
        return self.frequency(outputs, targets)

    def multiple(self, outputs: int) -> float:
        """Return the residual by p - y."""
        del outputs
        return 1.0

    def residuals(self, logits: Logits, targets: TargetLaw) -> Residuals:
        """Return the law of p - y for drawn logits."""
        p = self.probabilities(gaussian_logits(logits, most_samples(logits.outputs)))
        y, outputs, samples = self.frequency(logits.outputs, targets), logits.outputs, p.shape[1]
        centre = p.mean(axis=1)
        spread = float((np.square(p).mean() - np.square(centre).mean()) * outputs)
        # the mean over the drawn samples has a sampling error
        mean = max(float(np.square(centre - y).sum(axis=1).mean()) - spread / samples, 0.0)
        whole = outputs * float(np.square(p).mean() + self.square(logits.outputs, targets) - 2.0 * y * p.mean())
        size = np.abs(centre - y).sum(axis=1).mean() / math.sqrt(
            outputs * np.square(centre - y).sum(axis=1).mean() + TINY
        )
        factor = self.multiple(outputs)
        found = self.hessians(logits, math.inf)
        return Residuals(factor**2 * mean, factor**2 * max(whole - mean, 0.0), min(float(size), 1.0), found.typical)

    def hessians(self, logits: Logits, samples: float) -> OutputHessians:
        """Return Q of drawn logits for at most so many samples."""
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
