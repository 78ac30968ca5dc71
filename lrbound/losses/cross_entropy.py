"""``cross_entropy``: softmax cross-entropy, mean over samples, as torch.nn.CrossEntropyLoss computes it."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from lrbound.losses.base import Logits, Loss
from lrbound.meanfield import normal

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import nn

    from lrbound.curvature.estimate import Finite
    from lrbound.curvature.softmax import Steepest

DRAWS_TIMES_CLASSES = 2_000_000
"""Logits drawn for the law of the softmax: some 64 initialisations of 1000 samples at 30 classes."""

MANY_OUTPUTS = 50
"""Outputs from which lambda_max was seen to be off (:mod:`lrbound.curvature.softmax`)."""


class CrossEntropy(Loss):
    """Gauss-Newton matrix J^T Q J with Q = diag(p) - p p^T (theory, section 7).

    Small logits give lambda/C exactly, and Q never exceeds 1/2. In between the coherent direction sees the mean of Q
    over the samples, so the factor is the larger of 1/C and E[lambda_max(E_x Q_x)], with Gaussian logits of
    variance q and covariance q_xy. At C = 2 the two classes share one eigenvalue 2 E[p_1 p_2] <= 1/2, and nothing
    replaces it.

    Where single samples or the bulk of the complement dominate, other samples and combinations of outputs count
    (:mod:`lrbound.curvature.softmax`).
    """

    def check(self, outputs: int) -> str | None:
        """Refuse a single output: its softmax is always 1."""
        if outputs < 2:
            return "cross_entropy needs at least 2 outputs, one for each class; got 1"
        return None

    def factor(self, logits: Logits) -> float:
        """Return lambda_max of cross_entropy over that of half_squared_error."""
        mean_top = float(steepest(logits, math.inf).values.mean())
        return mean_top if logits.outputs == 2 else max(1.0 / logits.outputs, mean_top)

    def noise_factor(self, logits: Logits) -> float:
        """Return the curvature of single samples along the mean gradients, not below that of the mean over the samples."""
        return max(self.factor(logits), single_samples(logits))

    def top(self, found: Finite, logits: Logits) -> tuple[float, float]:
        """Return lambda_max, where the softmax picks samples and combinations of outputs itself."""
        from lrbound.curvature.softmax import softmax

        samples = found.levels.samples
        return softmax(found, probabilities(logits, samples), steepest(logits, samples))

    def limit(self, outputs: int) -> str | None:
        """Return that many outputs prefer combinations in which the softmax is steep."""
        if outputs < MANY_OUTPUTS:
            return None
        return (
            f"cross_entropy with {outputs} outputs: logits are taken as independent of the outputs' gradients; measured "
            "networks with 50 and 80 outputs were 16 % below to 50 % above lambda_max"
        )

    def torch(self) -> nn.Module:
        """Build torch.nn.CrossEntropyLoss; targets are class indices."""
        from torch import nn

        return nn.CrossEntropyLoss()


@lru_cache(maxsize=64)
def single_samples(logits: Logits) -> float:
    """Return :func:`lrbound.curvature.softmax.noise` of some initialisations."""
    from lrbound.curvature.softmax import noise

    return noise(probabilities(logits, math.inf), steepest(logits, math.inf))


def steepest(logits: Logits, batch: float) -> Steepest:
    """Return lambda_max(E_x Q_x) and its eigenvector for some initialisations, drawn with a fixed seed.

    E_x is the mean over at most ``batch`` samples. The values are in (0, 1/2]; the sampling error of their mean is 1 % at 10
    classes and 3 % at 1000.
    """
    return _steepest(logits, min(batch, _most(logits)))


@lru_cache(maxsize=64)
def _steepest(logits: Logits, samples: float) -> Steepest:
    from lrbound.curvature.softmax import steepest_of

    return steepest_of(probabilities(logits, samples))


def probabilities(logits: Logits, batch: float) -> NDArray[np.float32]:
    """Return the softmax of drawn logits, shape (initialisations, samples, outputs), of at most ``batch`` samples.

    Law of the logits: f_k(x) = m_k + g_k(x), Var m = q_xy shared by all samples, Var g = q - q_xy.
    """
    most = _most(logits)
    return _drawn(logits, most, int(min(most, batch)))


def _most(logits: Logits) -> int:
    return int(np.clip(DRAWS_TIMES_CLASSES / (40 * logits.outputs), 8, 1000))


@lru_cache(maxsize=1)  # the whole law and that of a large batch are the same draws
def _drawn(logits: Logits, most: int, samples: int) -> NDArray[np.float32]:
    classes = logits.outputs
    shared = math.sqrt(max(logits.q_xy, 0.0))
    own = math.sqrt(max(logits.q - max(logits.q_xy, 0.0), 0.0))
    draws = int(np.clip(DRAWS_TIMES_CLASSES / (most * classes), 2, 64))
    noise = (own * normal.draws(1, (most, classes))).astype(np.float32)
    # classes are exchangeable: noise that each sample has at other classes is as good as new noise
    row = (np.arange(draws)[:, None] * samples + np.arange(samples)) % most
    turned = np.lib.stride_tricks.sliding_window_view(np.concatenate([noise, noise], axis=1), classes, axis=1)
    found = turned[row, np.arange(draws)[:, None] * row % classes]
    found += (shared * _means(draws, classes))[:, None, :]
    _to_softmax(found)
    found.flags.writeable = False
    return found


def _means(draws: int, classes: int) -> NDArray[np.float64]:
    """Return standard normal means of the classes; the largest, which matters most, comes from strata of equal weight."""
    means = normal.draws(0, (draws, classes))
    largest = normal.quantile(((np.arange(draws) + 0.5) / draws) ** (1.0 / classes))
    # given the largest, the others are as they would be below it
    share = normal.cdf(largest)[:, None]
    means = normal.quantile(normal.cdf(means) * share)
    means[:, 0] = largest
    return means


def _to_softmax(logits: NDArray[np.float32]) -> None:
    """Make probabilities of logits in their place: millions of them would be copied."""
    logits -= logits.max(axis=-1, keepdims=True)
    np.exp(logits, out=logits)
    logits /= logits.sum(axis=-1, keepdims=True)
