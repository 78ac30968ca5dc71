"""The best sample of a batch, from drawn batches that pass the stages in sequence.

To first order the logarithm of a sample's own Gram matrix is a sum of what the stages add to its norm and its gain, so that
the best of n samples is that of a log-normal law (:mod:`lrbound.curvature.localized`). Where samples stand out far that fails
both ways: an activation with a threshold (silu, or relu at a negative beta) passes norms on with a slope above 1, which
would grow without end from layer to layer, and batch statistics hold back what stands out, because an outlier is a good
part of the variance that it is divided by. Here drawn samples pass the layers' own maps (:mod:`lrbound.backward.norm_response`):

    d_0 = noise of the input,   d_m = response_m(d_{m-1} less its mean over the batch) + noise,
    T = sum_l om_l (1 - own_l + own_l exp d_{l-1}) exp(sum over the stages m >= l of own_m gain_m),

the mean of exp(d) over the batch being 1 under batch statistics. What the best of them is above 1 stands for ``best``.

The mean of T is kept at 1, that of the leading order.

Status: derived for layers in sequence; with branches the log-normal law is kept. Left out: under statistics of few samples units
are less than Gaussian, so that norms spread less than ``norm`` says.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from lrbound.backward.graph import Source, Weights
from lrbound.backward.norm_response import GRID
from lrbound.curvature.wishart import log_variance
from lrbound.meanfield import normal

if TYPE_CHECKING:
    from lrbound.backward.graph import Chain
    from lrbound.backward.layerwise import LayerwiseStatistics
    from lrbound.curvature.wishart import Array

DRAWS = 8_192
"""Samples in all drawn batches; the mean of the best is then good to 1 or 2 %."""
POOL = 65_537
"""Normal numbers that all noise is taken from, each time from another place."""


def best_of_batch(profile: LayerwiseStatistics, share: Array, apart: Array) -> float:
    """Return the mean over batches of the largest T, over the mean of all.

    Parameters
    ----------
    profile : LayerwiseStatistics
        Of layers in sequence, with their responses.
    share : ndarray (L,)
        om_l, the layers' parts of a typical sample's Gram matrix; they add up to 1.
    apart : ndarray by stage
        Part of the variance of a Wishart step in which samples differ.
    """
    return _Batches(profile, share, apart).best()


class _Batches:
    """Drawn samples on their way up: ``distance`` is d, and ``total`` what of T lies below."""

    def __init__(self, profile: LayerwiseStatistics, share: Array, apart: Array) -> None:
        self.profile, self.share = profile, share
        samples = int(profile.samples)
        self.shape = (max(DRAWS // samples, 1), samples)
        count = math.prod(self.shape)
        self.pool = np.resize(normal.draws(5, (POOL,)), POOL + count)
        self.steps = apart * log_variance(profile.outputs, profile.one_sample)

    def best(self) -> float:
        """Return the mean over batches of the largest T, over the mean of all."""
        variance = self.profile.norm[0]
        distance = _centred(variance) + math.sqrt(variance) * self._noise(0)
        _, total = self._climb(self.profile.routes.chain, distance, np.zeros(self.shape))
        return float(total.max(axis=1).mean() / total.mean())

    def _climb(self, chain: Chain, distance: Array, total: Array) -> tuple[Array, Array]:
        for place in chain:
            if isinstance(place, Weights):
                total = self._weights(place.index, distance, total)
            elif isinstance(place, Source):
                distance, gain = self._source(place.index, distance)
                total = total * np.exp(gain)
            else:
                shares = zip(place.arms, place.flow.complement.tolist(), strict=True)
                ends = [self._climb(arm, distance, share * total) for arm, share in shares]
                energies = zip(place.energy.complement.tolist(), ends, strict=True)
                distance = np.log(sum(energy * np.exp(end) for energy, (end, _) in energies))
                total = np.add.reduce([part for _, part in ends])
        return distance, total

    def _weights(self, index: int, distance: Array, total: Array) -> Array:
        """Pass a weight layer: its Wishart step, and its own part of T."""
        if index > 0 and self.steps[index - 1] > 0.0:
            step = float(self.steps[index - 1])
            total = total * np.exp(
                math.sqrt(step) * self._noise(2 * self.profile.routes.sources + index) + _centred(step)
            )
        own = self.profile.own[index]
        found: Array = total + self.share[index] * (1.0 - own + own * np.exp(distance))
        return found

    def _source(self, at: int, distance: Array) -> tuple[Array, Array]:
        """Return d above a source, and the logarithm by which it multiplies T."""
        profile, response = self.profile, self.profile.responses[at]
        if profile.fixed[at]:
            distance = distance - np.log(np.exp(distance).mean(axis=1, keepdims=True))
        gain = np.zeros(self.shape)
        if response is not None:
            found = response()
            gain, distance = np.interp(distance, GRID, found.gain), np.interp(distance, GRID, found.distance)
        own, norm, gains = profile.own_beside[at], profile.norm[at + 1], profile.gain[at]
        along = profile.both[at] / math.sqrt(norm) if norm > 0.0 else 0.0
        if norm > 0.0:
            one = self._noise(2 * at + 1)
            distance = distance + math.sqrt(norm) * one + _centred(norm)
            gain = gain + along * one
        if gains > 0.0:
            gain = gain + math.sqrt(max(gains - along**2, 0.0)) * self._noise(2 * at + 2) + _centred(gains)
        return distance, own * gain

    def _noise(self, place: int) -> Array:
        start = place * 7919 % POOL  # far from the last place, and prime to the size of the pool
        return self.pool[start : start + math.prod(self.shape)].reshape(self.shape)


def _centred(variance: float) -> float:
    """Return the mean of a normal logarithm of this variance whose number has the mean 1."""
    return -0.5 * variance
