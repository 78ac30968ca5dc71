"""Samples that differ in more than independent pixels: what few random numbers a sample make them alike and unlike.

A sample of mean square 1 is, with ``rho`` the correlation of the samples and r of mean 1 its own scale,

    flat features   x = sqrt(rho) m + sqrt(r) [ sqrt(p) xi v + sqrt(1 - rho - p) w ]
    images          x = sqrt(rho) m + sqrt(r) [ sqrt(v) u_c 1 + sqrt(1 - rho - v) w ]

m what all samples share, xi v a top principal component (xi one number a sample), u_c the image's own mean in channel c
(correlation chi between channels), w white. So the Gram matrix of samples, which is all that wide random nets see of them, is
known from the numbers (xi or u, r) of each sample. They are drawn, from a fixed seed. Derivation: ``lrbound/theory/data.md``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from lrbound.meanfield.kernel import Kernel
from lrbound.meanfield.positions import Axis, uniform

if TYPE_CHECKING:
    from lrbound.input_law import Input
    from lrbound.meanfield.positions import Array

MOST_FEATURES = 4096
"""Features above which the products of white parts are drawn as the Gaussian numbers that they nearly are."""


@dataclass(frozen=True, eq=False)
class Latents:
    """What tells m samples apart, for a set of samples that consists of many copies of these m, or of one.

    Attributes
    ----------
    common : ndarray (m, m)
        x.y/N of two samples with these latent numbers but independent white parts, divided by the mean square.
    own : ndarray (m, m)
        x.y/N of the m samples themselves.
    site : ndarray (m,)
        On images the white part of |x|^2/N: what a position has in common with itself alone. 0 for flat features.
    directions : ndarray (k, m)
        Functions of the latent numbers along which the samples may be alike; the constant one is the first.
    """

    common: Array
    own: Array
    site: Array
    directions: Array

    @property
    def norms(self) -> Array:
        """|x|^2/N of each sample."""
        return np.diagonal(self.own) + self.site

    def kernel(self, law: Input, positions: int) -> Kernel:
        """Return the input's kernel on a map whose rows are the samples and whose columns are the positions."""
        pair = law.mean_square * np.stack([self.own, self.common])[..., None, None]
        site = law.mean_square * np.stack([self.site, np.zeros_like(self.site)])[..., None]
        return Kernel(law.shape[0], Axis(tuple(range(len(self.own)))), uniform(positions), pair, site)


def draw(law: Input, samples: int, seed: int) -> Latents:
    """Draw ``samples`` samples with the statistics of ``law``."""
    rng = np.random.default_rng(seed)
    left = 1.0 - law.correlation
    white = rng.standard_normal
    if len(law.shape) == 1:
        return _flat(law, left, _normal(rng, samples)[:, None], _white(rng, samples, law), rng)
    channels = law.shape[0]
    chi = law.channel_correlation or 0.0
    means = math.sqrt(chi) * _normal(rng, samples)[:, None] + math.sqrt(1.0 - chi) * white((samples, channels))
    return _images(law, left, means, rng)


def _features(law: Input) -> int:
    """Return the number of equal features that the samples have beside their first principal component."""
    known = law.effective_features
    return law.shape[0] if known is None else max(round(min(known, law.shape[0])), 1)


def _white(rng: np.random.Generator, samples: int, law: Input) -> Array:
    """Return w w'/N for white samples, of equal norms where the law says how norms are spread."""
    features = _features(law)
    if features <= MOST_FEATURES:
        w = rng.standard_normal((samples, features))
        if law.norm_kurtosis is not None:
            w *= np.sqrt(features / np.square(w).sum(axis=1, keepdims=True))
        return w @ w.T / features
    noise = rng.standard_normal((samples, samples)) / math.sqrt(features)
    return np.eye(samples) + (np.triu(noise, 1) + np.triu(noise, 1).T + math.sqrt(2.0) * np.diag(np.diagonal(noise)))


def _flat(law: Input, left: float, xi: Array, white: Array, rng: np.random.Generator) -> Latents:
    share = min(law.top_component, left)
    within = share / left if left > 0.0 else 0.0
    xi, scale = _norms(law, left, xi, within**2 * 2.0, 0.0, rng)
    top = share * (xi @ xi.T)
    root = np.sqrt(scale)
    both = root[:, None] * root
    rho = law.correlation
    return Latents(
        rho + both * top,
        rho + both * (top + (left - share) * white),
        np.zeros(len(xi)),
        _directions(root * xi.T, scale),
    )


def _images(law: Input, left: float, means: Array, rng: np.random.Generator) -> Latents:
    share = min(law.mean_share or 0.0, left)
    within, channels = share / left if left > 0.0 else 0.0, means.shape[1]
    chi = law.channel_correlation or 0.0
    pixels = math.prod(law.shape)
    spread = 2.0 * (1.0 / channels + (1.0 - 1.0 / channels) * chi**2)
    means, scale = _norms(law, left, means, within**2 * spread, (1.0 - within) ** 2 * 2.0 / pixels, rng)
    root = np.sqrt(scale)
    both = root[:, None] * root
    common = law.correlation + both * share * (means @ means.T) / channels
    return Latents(common, common, scale * (left - share), _directions(root * means.T, scale))


def _norms(
    law: Input, left: float, latent: Array, spread: float, others: float, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Return the latent numbers and the scales r such that E|x|^4/E[|x|^2]^2 is that of the law.

    ``spread`` is the variance of |x|^2 that Gaussian latent numbers make, ``others`` that of the white part. Where the
    norms vary less than that, the latent numbers are of nearly equal size: two groups of samples, dark and bright. Where
    they vary more, all of the sample has a scale of its own, with a normal logarithm.
    """
    count = len(latent)
    kurtosis = law.norm_kurtosis
    if kurtosis is None:
        return latent, np.ones(count)
    wanted = (kurtosis - 1.0) / max(left, 1e-9) ** 2
    if wanted < spread + others:
        kept = max(wanted - others, 0.0) / spread if spread > 0.0 else 1.0  # (E xi^4 - 1)/2
        even = math.sqrt(max(1.0 - kept, 0.0))
        return math.sqrt(even) * np.sign(latent) + math.sqrt(1.0 - even) * rng.standard_normal(latent.shape), np.ones(
            count
        )
    log_variance = math.log((1.0 + wanted) / (1.0 + spread + others))
    z = _normal(rng, count)
    scale = np.exp(math.sqrt(log_variance) * z - 0.5 * log_variance)
    return latent, scale / scale.mean()


def _normal(rng: np.random.Generator, count: int) -> Array:
    """Return standard normal numbers, one from each of ``count`` parts of equal probability, in random order."""
    law = NormalDist()
    values = np.array([law.inv_cdf((place + 0.5) / count) for place in range(count)])
    return rng.permutation(values)


def _directions(latent: Array, scale: Array) -> Array:
    rows = [np.ones(len(scale)), *latent, latent.mean(axis=0) ** 2, np.abs(latent.mean(axis=0))]
    if np.ptp(scale) > 0.0:
        rows += [scale, np.sqrt(scale), scale**2]
    return np.array(rows)


def two_groups(law: Input, share: float) -> Latents:
    """Return two samples on either side of a component with this share of the variance."""
    common = law.correlation + share * np.array([[1.0, -1.0], [-1.0, 1.0]])
    images = len(law.shape) > 1
    own = common if images else common + (1.0 - law.correlation - share) * np.eye(2)
    site = np.full(2, 1.0 - law.correlation - share if images else 0.0)
    return Latents(common, own, site, np.ones((1, 2)))
