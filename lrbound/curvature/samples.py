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
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lrbound.backward.sweep import Backward
from lrbound.curvature.wishart import grown
from lrbound.forward.roles import weighted
from lrbound.forward.sweep import Fork, by_sample
from lrbound.layers.base import unroll
from lrbound.layers.flatten import Flatten
from lrbound.meanfield.contract import NotBySample
from lrbound.meanfield.gradient import Gradient, Sums
from lrbound.meanfield.kernel import SAME
from lrbound.meanfield.latents import draw, two_groups
from lrbound.meanfield.normal import cdf, trapezoid

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lrbound.architecture import Architecture
    from lrbound.curvature.estimate import BranchEstimates
    from lrbound.forward.sweep import Chain
    from lrbound.input_law import Input
    from lrbound.layers.base import Node
    from lrbound.meanfield.contract import Context
    from lrbound.meanfield.kernel import Kernel
    from lrbound.meanfield.latents import Latents
    from lrbound.meanfield.positions import Array

MOST_COPIES = 64
MOST_POSITIONS = 4096
"""Positions beyond which single ones do not count."""
OUTLIERS, EIGENVECTORS = 4, 2
"""Samples of the largest norm and eigenvectors of the samples' Gram matrix among the directions."""
PICKED = 6
"""Samples, from the smallest to the largest norm, between whose own values those of the others are interpolated."""
BEST_DRAWS = 100
SHOWN = 0.1
"""Share of the layers below the last in the coherent direction from which on its growth shows what theirs is."""


class Growth(NamedTuple):
    """What finite width makes of white samples: the growth of the coherent direction, and the spread between samples."""

    coherent: float
    spread: float


def growth_of(levels: BranchEstimates) -> Growth:
    """Return the growth that the branches of an estimate have."""
    coherent = levels.coherent / levels.coherent_leading if levels.coherent_leading > 0.0 else 1.0
    return Growth(max(coherent, 1.0), levels.spread)


class Effort(NamedTuple):
    """How many samples are drawn, and how often."""

    samples: int
    draws: int


CAREFUL, ROUGH = Effort(64, 2), Effort(16, 1)
"""Of a larger batch than the samples drawn, copies of them with other white parts make up the rest."""


def ratio(network: Architecture, ctx: Context, growth: Growth, effort: Effort = CAREFUL) -> float:
    """Return lambda_max on samples of the network's input law over that on white samples.

    Raises
    ------
    NotBySample
        Where a layer has no map between single samples, or numbers leave their range.
    """
    law, nodes = _entered(network)
    found = plain = 0.0
    for seed in range(effort.draws):
        white = _forms(replace(network, input=law.as_white(), nodes=nodes), ctx, seed, effort)
        below = _below_head(white, growth.coherent)
        plain += white.top(below, growth.spread)
        found += _forms(replace(network, input=law, nodes=nodes), ctx, seed, effort).top(below, growth.spread)
    return found / plain if plain > 0.0 else 1.0


def _entered(network: Architecture) -> tuple[Input, tuple[Node, ...]]:
    """Return law and layers of a network behind a flatten layer at its very start: images are flat features then."""
    law, nodes = network.input, tuple(unroll(network.nodes))
    if not isinstance(nodes[0].layer, Flatten) or len(law.shape) == 1:
        return law, nodes
    channels, chi = law.shape[0], law.channel_correlation or 0.0
    top = None if law.mean_share is None else law.mean_share * (chi + (1.0 - chi) / channels)
    known = law.centred_share if law.centred_share is not None else top
    return replace(law, shape=(math.prod(law.shape),), centred_share=known, mean_share=None), nodes[1:]


@dataclass(frozen=True, eq=False)
class Forms:
    """The layers' quadratic forms of one draw of samples, at infinite width.

    Attributes
    ----------
    outputs : int
    along : ndarray (k, m)
        Orthonormal directions between samples, the constant one first.
    shared : ndarray (weight layers, k, k)
        v' T v/n of directions that all copies of the samples share.
    single : ndarray (weight layers, m)
        The same for single samples.
    units : tuple of Units
        Of each weight layer but the last.
    """

    outputs: int
    along: Array
    shared: Array
    single: Array
    units: tuple[Units, ...]
    copies: int

    def grown(self, weights: Array, values: Array) -> Array:
        """Return the growth of each layer's part for a direction with these squared components on the samples."""
        freedoms = np.array([unit.freedom(weights) for unit in self.units])
        if self.outputs == 1 or not len(freedoms) or not values.sum() > 0.0:
            return np.ones(len(values))
        values = np.maximum(values, 1e-12 * values.sum())
        return grown(self.outputs, values, freedoms) / values

    def top(self, below: float, spread: float) -> float:
        """Return the largest eigenvalue, the coherent direction grown by ``below`` under the last layer."""
        plain = self.shared.sum(axis=0)
        if not np.isfinite(plain).all():
            raise NotBySample
        vector = np.append(0.0, np.linalg.eigh(plain[1:, 1:])[1][:, -1])
        values = np.einsum("lij,i,j->l", self.shared, vector, vector)
        each = np.sqrt(self.grown((vector @ self.along) ** 2, values))
        scale = np.repeat(each[:, None], len(plain), axis=1)
        scale[:-1, 0], scale[-1, 0] = math.sqrt(below), 1.0
        form = (self.shared * scale[:, :, None] * scale[:, None, :]).sum(axis=0)
        if not np.isfinite(form).all():
            raise NotBySample
        best = int(self.single.sum(axis=0).argmax())
        own = self.grown(np.eye(self.single.shape[1])[best], self.single[:, best]) @ self.single
        return max(float(np.linalg.eigvalsh(form)[-1]), _best(np.tile(own, self.copies), spread))


class Units(NamedTuple):
    """The units of one weight layer.

    Attributes
    ----------
    channels : int
    over_batch : bool
        Whether a normaliser over the batch divides them.
    cosines : ndarray (m, m)
        Of the positions' common part of samples, less what all samples have in common, over a unit's variance.
    positions : float
    """

    channels: int
    over_batch: bool
    cosines: Array
    positions: float

    def freedom(self, weights: Array) -> float:
        """Return the effective number of units for a direction that weighs samples so.

        Units count by the square of their mean derivative: alike where the direction averages over samples or positions
        that have little in common, only every second one where all that it sees is alike (ReLU, taken for all).
        """
        own = float(weights @ np.diagonal(self.cosines))
        alike = float(weights @ np.abs(self.cosines) @ weights)
        site = max(1.0 - own, 0.0) / self.positions
        constant = own / (own + site) if own + site > 0.0 else 1.0
        alike = round(min(alike, 1.0), 2)
        root = np.sqrt(weights)
        share = min(float(root @ np.abs(self.cosines) @ root) / len(root), 1.0)
        uneven = _kurtosis(alike) * (_unevenness(round(share, 2)) if self.over_batch else 1.0)
        return self.channels / (uneven * constant**2 + (1.0 - constant) ** 2 / self.positions)


@lru_cache(maxsize=128)
def _kurtosis(alike: float) -> float:
    """Return E p^4/E[p^2]^2 for p = P(u > 0 | m), m the part of u with a share ``alike`` of its variance."""
    z, weights = trapezoid(8.0, 401)
    p = cdf(z * math.sqrt(alike / max(1.0 - alike, 1e-6)))
    return float(p**4 @ weights / (p**2 @ weights) ** 2)


@lru_cache(maxsize=128)
def _unevenness(share: float) -> float:
    """Return E w^2/E[w]^2, w = s^-6 the weight of units in what a normaliser leaves of gradients along a component.

    See :func:`~lrbound.meanfield.single_samples.uneven_units`.
    """
    a, weights = trapezoid(9.0, 901)
    w = (share * a * a + max(1.0 - share, 1e-3)) ** -3
    return float(w**2 @ weights / (w @ weights) ** 2)


def _forms(network: Architecture, ctx: Context, seed: int, effort: Effort) -> Forms:
    """Return the forms of one draw of samples of the network's input law."""
    count = int(min(ctx.samples, effort.samples))
    copies = ctx.samples / count
    latents = draw(network.input, count, seed)
    inner = replace(ctx, samples=copies, warn=lambda _: None)
    positions = min(math.prod(network.input.shape[1:]), MOST_POSITIONS)
    along, norms = _directions(latents), latents.norms
    # not np.unique, which imports numpy.ma
    picked = np.argsort(norms)[sorted(set(np.linspace(0, count - 1, PICKED).astype(int).tolist()))]
    tests = np.concatenate([_pairs(along), np.eye(count)[picked]])
    chain = by_sample(latents.kernel(network.input, positions), network, inner)
    over_batch = any(node.layer.over_batch for node, _ in network.unrolled())
    units = tuple(_units(kernel, over_batch=over_batch) for kernel in _above_weights(chain))[::-1]
    shared, own = _quadratic(chain, tests, copies)
    k = len(along)
    return Forms(
        network.outputs,
        along,
        np.array([_polarised(row, k) for row in shared]),
        np.array([np.interp(norms, norms[picked], row[-len(picked) :]) for row in own]),
        units[:-1],
        max(int(min(copies, MOST_COPIES)), 1),
    )


def _below_head(white: Forms, coherent: float) -> float:
    """Return the growth of the coherent direction below the last layer on white samples; 1 where nothing shows it."""
    values = white.shared[:, 0, 0]
    below, total = float(values[:-1].sum()), float(values.sum())
    return max((coherent * total - float(values[-1])) / below, 1.0) if below > SHOWN * total else 1.0


def _above_weights(chain: Chain) -> Iterator[Kernel]:
    """Yield what comes out of weight layers, in the order in which the backward pass meets them."""
    for step in reversed(chain):
        if isinstance(step, Fork):
            for arm in step.chains:
                yield from _above_weights(arm)
        elif weighted(step.node.layer):
            yield step.above


def _units(kernel: Kernel, *, over_batch: bool) -> Units:
    own = kernel.pair[SAME, ..., 0, 0]
    both = kernel.pair[-1, ..., 0, 0]
    variance = np.diagonal(own) + kernel.site[SAME, :, 0]
    root = np.sqrt(np.maximum(variance - both.mean(), 1e-12 * variance))
    return Units(
        kernel.channels,
        over_batch,
        np.clip((own - both.mean()) / (root[:, None] * root), -1.0, 1.0),
        float(kernel.positions),
    )


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


def _quadratic(chain: Chain, tests: Array, copies: float) -> tuple[Array, Array]:
    """Return v' T v/n by weight layer, for directions v that all copies of the samples share, and for one copy alone.

    A normaliser's own part counts with the weight layer under it.
    """
    count = tests.shape[1]
    products = tests[:, :, None] * tests[:, None, :]
    shared = np.stack([products / copies, products * (1.0 - 1.0 / copies)], axis=1)
    alone = np.stack([products / copies, np.zeros_like(products)], axis=1)
    pair = np.stack([shared, alone], axis=1)[..., None, None] / count
    site = np.einsum("...iiab->...ia", pair)
    terms = list(Backward(Gradient(Sums(pair, site))).through(chain))[::-1]
    at = np.maximum(np.cumsum([weighted(term.node.layer) for term in terms]) - 1, 0)
    found = np.zeros((2, at[-1] + 1, len(tests)))
    for row, term in zip(at, terms, strict=True):
        if term.share is not None:
            found[:, row] += np.stack([np.broadcast_to(part, len(tests)) for part in term.share])
    return found[0], found[1]


def population(network: Architecture, ctx: Context) -> tuple[float, ...]:
    """Return the weight layers' parts of lambda_max in a batch without end along the samples' first principal component.

    Of white samples with d features that component has 1/d of the variance, which a batch of more samples than features
    sees (exact for a linear network; elsewhere to order 1/d). Two groups of samples on either side of it stand for it.
    Empty where a layer has no map between single samples, or the samples are images without a stated mean share.
    """
    law, nodes = _entered(network)
    share = law.top_component
    if len(law.shape) == 1:
        share = max(share, (1.0 - law.correlation) / law.shape[0])
    elif law.mean_share is not None:
        chi = law.channel_correlation or 0.0
        share = min(law.mean_share * (chi + (1.0 - chi) / law.shape[0]), 1.0 - law.correlation)
    else:
        return ()
    positions = min(math.prod(law.shape[1:]), MOST_POSITIONS)
    sides = np.array([1.0, -1.0]) / math.sqrt(2.0)
    try:
        chain = by_sample(
            two_groups(law, share).kernel(law, positions),
            replace(network, input=law, nodes=nodes),
            replace(ctx, samples=math.inf, warn=lambda _: None),
        )
    except NotBySample:
        return ()
    return tuple(_quadratic(chain, sides[None], math.inf)[0][:, 0].tolist())
