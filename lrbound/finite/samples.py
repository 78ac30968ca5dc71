"""By how much samples that are not white move lambda_max: the ratio of two infinitely wide nets, on such samples and on white ones.

The tangent kernel of m drawn samples (:mod:`lrbound.meanfield.latents`) is known at infinite width: the solver runs on a map
whose rows are the samples. Its largest eigenvalue is taken among combinations of a few directions (Rayleigh-Ritz), the
coherent one grown by finite width as the branch ``co`` is, the others as a typical sample's own spectrum; and among single
samples, each with the spread that finite width gives it. The same on white samples with the same random numbers divides it,
so that what this leaves out (borders, the edge of the bulk) drops out, and white samples have a ratio of 1. Derivation and
checks: ``lrbound/theory/data.md``.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lrbound.finite.walk import weighted
from lrbound.layers.base import unroll
from lrbound.layers.flatten import Flatten
from lrbound.meanfield.gradient import Gradient, Sums
from lrbound.meanfield.latents import draw
from lrbound.meanfield.sweep import Backward, by_sample

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrbound.finite.estimate import Levels
    from lrbound.layers.base import Context, Node
    from lrbound.meanfield.latents import Latents
    from lrbound.meanfield.positions import Array
    from lrbound.meanfield.sweep import Chain, Term
    from lrbound.network import Input, Network

MOST_SAMPLES = 96
"""Samples that are drawn; of a larger batch, copies of them with other white parts make up the rest."""
DRAWS = 3
MOST_POSITIONS = 4096
"""Positions beyond which single ones do not count."""
OUTLIERS, EIGENVECTORS = 4, 2
"""Samples of the largest norm and eigenvectors of the samples' Gram matrix among the directions."""
PICKED = 6
"""Samples, from the smallest to the largest norm, between whose own values those of the others are interpolated."""
BEST_DRAWS = 100


class Growth(NamedTuple):
    """What finite width makes of the coherent direction, of each layer's part of other ones, and its spread between samples."""

    coherent: float
    layers: tuple[float, ...]
    spread: float

    def of(self, terms: Sequence[Term]) -> Array:
        """Return the factor of each term: that of the weight layer it is, or stands above."""
        if not self.layers:
            return np.ones(len(terms))
        at = np.cumsum([weighted(term.node.layer) for term in terms]) - 1
        return np.array(self.layers)[np.clip(at, 0, len(self.layers) - 1)]


def growth(levels: Levels) -> Growth:
    """Return the growth that the branches of an estimate have."""
    coherent = levels.co / levels.coherent if levels.coherent > 0.0 else 1.0
    return Growth(max(coherent, 1.0), levels.grown, levels.spread)


def ratio(network: Network, ctx: Context, grown: Growth) -> float:
    """Return lambda_max on samples of the network's input law over that on white samples.

    Raises
    ------
    NotBySample
        Where a layer has no map between single samples.
    """
    law, nodes = _entered(network)
    stripped = replace(network, input=law, nodes=nodes)
    values = [
        math.fsum(_value(replace(stripped, input=one), ctx, grown, seed) for seed in range(DRAWS))
        for one in (law, law.as_white())
    ]
    return values[0] / values[1] if values[1] > 0.0 else 1.0


def _entered(network: Network) -> tuple[Input, tuple[Node, ...]]:
    """Return law and layers of a network behind a flatten layer at its very start: images are flat features then."""
    law, nodes = network.input, tuple(unroll(network.nodes))
    if not isinstance(nodes[0].layer, Flatten) or len(law.shape) == 1:
        return law, nodes
    channels, chi = law.shape[0], law.channel_correlation or 0.0
    top = None if law.mean_share is None else law.mean_share * (chi + (1.0 - chi) / channels)
    known = law.centred_share if law.centred_share is not None else top
    return replace(law, shape=(math.prod(law.shape),), centred_share=known, mean_share=None), nodes[1:]


def _value(network: Network, ctx: Context, grown: Growth, seed: int) -> float:
    """Return the largest eigenvalue for one draw of samples."""
    count = int(min(ctx.samples, MOST_SAMPLES))
    copies = ctx.samples / count
    latents = draw(network.input, count, seed)
    inner = replace(ctx, samples=copies, warn=lambda _: None)
    positions = min(math.prod(network.input.shape[1:]), MOST_POSITIONS)
    kernel = latents.kernel(network.input, positions)
    along = _directions(latents)
    norms = latents.norms
    picked = np.argsort(norms)[np.unique(np.linspace(0, count - 1, PICKED).astype(int))]
    tests = np.concatenate([_pairs(along), np.eye(count)[picked]])
    plain, batches, own = _quadratic(by_sample(kernel, network, inner), tests, copies, grown)
    k = len(along)
    form = _polarised(batches, k)
    form[0, 0] = grown.coherent * plain[0]
    form[0, 1:] *= math.sqrt(grown.coherent * plain[0] / max(batches[0], 1e-300))
    form[1:, 0] = form[0, 1:]
    whole = float(np.linalg.eigvalsh(form)[-1])
    curve = np.interp(norms, norms[picked], own[-len(picked) :])
    alike = max(int(min(copies, MOST_SAMPLES)), 1)
    return max(whole, _best(np.tile(curve, alike), grown.spread))


def _best(values: Array, spread: float) -> float:
    """Return the mean over draws of the largest of samples' values, each spread by a normal logarithm."""
    z = np.random.default_rng(0).standard_normal((BEST_DRAWS, len(values)))
    return float((values * np.exp(spread * z - 0.5 * spread**2)).max(axis=1).mean())


def _directions(latents: Latents) -> Array:
    """Return orthonormal trial directions (k, m), the constant one first."""
    count = len(latents.own)
    apart = np.eye(count) - 1.0 / count
    _, vectors = np.linalg.eigh(apart @ latents.own @ apart)
    outliers = np.eye(count)[np.argsort(latents.norms)[-OUTLIERS:]]
    rows = np.concatenate([latents.directions, vectors[:, -EIGENVECTORS:].T, outliers])
    found: list[Array] = []
    for row in rows:
        rest = row - sum(((row @ one) * one for one in found), np.zeros(count))
        rest -= sum(((rest @ one) * one for one in found), np.zeros(count))
        size = np.linalg.norm(rest)
        if size > 1e-6 * np.linalg.norm(row):
            found.append(rest / size)
    return np.array(found)


def _pairs(along: Array) -> Array:
    """Return v_i, then (v_i + v_j)/sqrt(2) for i < j."""
    i, j = np.triu_indices(len(along), 1)
    return np.concatenate([along, (along[i] + along[j]) / math.sqrt(2.0)])


def _polarised(values: Array, k: int) -> Array:
    """Return the matrix of a quadratic form from its values at :func:`_pairs`."""
    matrix = np.diag(values[:k])
    i, j = np.triu_indices(k, 1)
    matrix[i, j] = matrix[j, i] = values[k : k + len(i)] - 0.5 * (values[i] + values[j])
    return matrix


def _quadratic(chain: Chain, tests: Array, copies: float, grown: Growth) -> tuple[Array, Array, Array]:
    """Return v' T v/n, T the tangent kernel of one output, for directions v that all copies share, and for one copy alone.

    The first as at infinite width, the second and the third with the growth of each layer.
    """
    count = tests.shape[1]
    products = tests[:, :, None] * tests[:, None, :]
    shared = np.stack([products / copies, products * (1.0 - 1.0 / copies)], axis=1)
    alone = np.stack([products / copies, np.zeros_like(products)], axis=1)
    pair = np.stack([shared, alone], axis=1)[..., None, None] / count
    site = np.einsum("...iiab->...ia", pair)
    terms = [term for term in Backward(Gradient(Sums(pair, site))).through(chain)][::-1]
    factors = [factor for factor, term in zip(grown.of(terms), terms, strict=True) if term.share is not None]
    shares = [term.share for term in terms if term.share is not None]
    coherent, trace = (
        np.array([np.broadcast_to(part, len(tests)) for part in parts]) for parts in zip(*shares, strict=True)
    )
    return coherent.sum(axis=0), factors @ coherent, factors @ trace
