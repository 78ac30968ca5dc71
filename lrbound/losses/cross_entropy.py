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

DRAWS_TIMES_CLASSES = 2_000_000
"""Logits drawn for the law of the softmax: some 64 initialisations of 1000 samples at 30 classes."""


class CrossEntropy(Loss):
    """Gauss-Newton matrix J^T Q J with Q = diag(p) - p p^T (theory, section 7).

    Small logits give lambda/C exactly, and Q never exceeds 1/2. In between the coherent direction sees the mean of Q
    over the samples, so the factor is the larger of 1/C and E[lambda_max(E_x Q_x)], with Gaussian logits of
    variance q and covariance q_xy. At C = 2 the two classes share one eigenvalue 2 E[p_1 p_2] <= 1/2, and nothing
    replaces it.

    Notes
    -----
    Measured nets with 10 and more outputs lie within 0.6 to 1.7 of this unless one logit saturates the softmax.
    """

    def check(self, outputs: int) -> str | None:
        """Refuse a single output: its softmax is always 1."""
        if outputs < 2:
            return "cross_entropy needs at least 2 outputs, one for each class; got 1"
        return None

    def factor(self, logits: Logits) -> float:
        """Return lambda_max of cross_entropy over that of half_squared_error."""
        tops = top_eigenvalues(logits)
        mean_top = math.fsum(tops) / len(tops)
        return mean_top if logits.outputs == 2 else max(1.0 / logits.outputs, mean_top)

    def top(self, value: float, log_variance: float, coherent: float, logits: Logits) -> tuple[float, float]:
        """Return lambda_max, where the softmax picks the best combination of outputs itself."""
        from lrbound.finite.softmax import softmax

        return softmax(value, log_variance, coherent, logits.outputs, top_eigenvalues(logits))

    def torch(self) -> nn.Module:
        """Build torch.nn.CrossEntropyLoss; targets are class indices."""
        from torch import nn

        return nn.CrossEntropyLoss()


@lru_cache(maxsize=64)
def top_eigenvalues(logits: Logits) -> tuple[float, ...]:
    """Return lambda_max(E_x Q_x) for some initialisations, drawn with a fixed seed; E_x is the mean over samples.

    Parameters
    ----------
    logits : Logits
        Law of the logits: f_k(x) = m_k + g_k(x), Var m = q_xy shared by all samples, Var g = q - q_xy.

    Returns
    -------
    tuple of float
        In (0, 1/2]. The sampling error of their mean is 1 % at 10 classes and 3 % at 1000.
    """
    classes = logits.outputs
    shared = math.sqrt(max(logits.q_xy, 0.0))
    own = math.sqrt(max(logits.q - max(logits.q_xy, 0.0), 0.0))
    samples = int(np.clip(DRAWS_TIMES_CLASSES / (40 * classes), 8, 1000))
    draws = int(np.clip(DRAWS_TIMES_CLASSES / (samples * classes), 2, 64))
    noise = own * normal.draws(1, (samples, classes))
    # classes are exchangeable: noise that each sample has at other classes is as good as new noise
    sample, place = np.arange(samples)[:, None], np.arange(classes)
    return tuple(
        _top(_softmax(means + noise[sample, (place + at * sample) % classes]))
        for at, means in enumerate(shared * _means(draws, classes))
    )


def _means(draws: int, classes: int) -> NDArray[np.float64]:
    """Return standard normal means of the classes; the largest, which matters most, comes from strata of equal weight."""
    means = normal.draws(0, (draws, classes))
    largest = normal.quantile(((np.arange(draws) + 0.5) / draws) ** (1.0 / classes))
    # given the largest, the others are as they would be below it
    share = normal.cdf(largest)[:, None]
    means = normal.quantile(normal.cdf(means) * share)
    means[:, 0] = largest
    return means


def _softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    return p


def _top(p: NDArray[np.float64]) -> float:
    """Return the largest eigenvalue of diag(mean p) - mean(p p^T) without forming a classes x classes matrix.

    Up to 64 classes the matrix is small and is formed. Above, power iteration with the n x C matrix p.
    """
    mean = p.mean(axis=0)
    if len(mean) <= 64:
        return float(np.linalg.eigvalsh(np.diag(mean) - p.T @ p / len(p))[-1])
    v = mean - mean.mean() + np.eye(1, len(mean), int(mean.argmax()))[0]
    value = 0.0
    for _ in range(200):
        v /= np.linalg.norm(v)
        image = mean * v - p.T @ (p @ v) / len(p)
        before, value = value, float(v @ image)
        if abs(value - before) <= 1e-5 * value:
            break
        v = image
    return value
