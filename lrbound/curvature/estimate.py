"""The stage's entry: lambda_max and its interval at finite batch, width and number of outputs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lrbound.curvature import interval
from lrbound.curvature.bulk import bulk, coherent_bulk_halfwidth
from lrbound.curvature.coherent import parts as coherent_parts
from lrbound.curvature.combine import Branch, Combined, combine
from lrbound.curvature.coupling import of_best_sample, of_coherent
from lrbound.curvature.fisher import spectrum
from lrbound.curvature.localized import localized
from lrbound.curvature.warnings import UNTRACKED, WEIGHTLESS, Regime, complement, few_values, limits, wide
from lrbound.forward.roles import weighted
from lrbound.layers.base import Branching, leaves, unroll

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lrbound.architecture import Architecture
    from lrbound.backward.layerwise import LayerwiseStatistics
    from lrbound.backward.sweep import Term
    from lrbound.curvature.wishart import Array
    from lrbound.layers.base import Layer, Node
    from lrbound.meanfield.contract import Context, Shape
    from lrbound.notices import Notice


class BranchEstimates(NamedTuple):
    """What the branches are made of.

    Attributes
    ----------
    samples : float
    coherent, localized, delocalized : float
        The branches.
    coherent_leading : float
        ``coherent`` without the growth through finite layers.
    mean : float
        Mean of the complement's spectrum, sum b_l.
    typical : float
        The same, grown as one typical sample's own spectrum.
    spread : float
        Standard deviation of the logarithm between samples.
    centre : float
        The mean, grown as the bulk.
    coherent_coupling_sq, localized_coupling_sq : float
        What couples the coherent direction and the best sample to the rest (see :mod:`lrbound.curvature.coupling`).
    log_variances : tuple of float
        Of the branches over initialisations.
    """

    samples: float
    coherent: float
    localized: float
    delocalized: float
    coherent_leading: float
    mean: float
    typical: float
    spread: float
    centre: float
    coherent_coupling_sq: float
    localized_coupling_sq: float
    log_variances: tuple[float, float, float]


class Finite(NamedTuple):
    """lambda_max of half_squared_error at finite size.

    Attributes
    ----------
    lambda_max : float
        Mean over initialisations.
    log_variance : float
        Variance of its logarithm over initialisations, the theory's own error included.
    branch : {"coherent", "localized", "delocalized"}
        Coherent direction, one sample, or the edge of the bulk.
    parts : tuple of float
        Part of each layer in lambda_max, in the order of the terms; they add up to it.
    warnings : tuple of Notice
    levels : BranchEstimates
    """

    lambda_max: float
    log_variance: float
    branch: Branch
    parts: tuple[float, ...]
    warnings: tuple[Notice, ...]
    levels: BranchEstimates

    @property
    def interval(self) -> tuple[float, float]:
        """Return where 90 % of single initialisations fall."""
        return interval.around(self.lambda_max, self.log_variance)


def norms_add_at_forks(network: Architecture) -> bool:
    """Say whether finite size is known of the network: it has weights, and branches of which the squared norms add."""
    weights = any(node.layer.has_weights for node, _ in leaves(network.nodes, network.input.shape))
    return weights and all(_adds(node.layer) for node in unroll(network.nodes))


def _adds(layer: Layer) -> bool:
    if not isinstance(layer, Branching):
        return True
    return layer.norms_add and all(_adds(node.layer) for arm in layer.arms() for node in unroll(arm))


def estimate(network: Architecture, ctx: Context, terms: Sequence[Term], profile: LayerwiseStatistics) -> Finite:
    """Return lambda_max at finite batch, width and number of outputs.

    Parameters
    ----------
    network : Network
        One that is :func:`norms_add_at_forks`.
    ctx : Context
        That of the leading-order sweep.
    terms : sequence of Term
        What the leading-order sweep found, in network order.
    profile : LayerwiseStatistics
        What :func:`~lrbound.backward.collect.layerwise_statistics` found in the same backward pass.
    """
    co, lo, de = coherent_parts(profile), localized(profile), bulk(profile)
    mean = float(profile.complement.sum()) / profile.samples
    values = np.array([co.sum(), lo.value, de.edge])
    coherent_coupling_sq, localized_coupling_sq = of_coherent(profile, co), of_best_sample(profile, lo)
    met = coherent_bulk_halfwidth(profile)
    variances = (interval.coherent(profile), interval.localized(profile, lo), interval.bulk(profile, de.parts))
    beyond = variances[1 if lo.value > de.edge else 2] - interval.MODEL**2
    found = combine(
        float(values[0]),
        lo.value,
        de.edge,
        mean,
        de.centre,
        met=met,
        coherent_coupling_sq=coherent_coupling_sq,
        localized_coupling_sq=localized_coupling_sq,
        spread=math.sqrt(max(beyond, 0.0)),
    )
    grown = {"coherent": co, "localized": lo.parts, "delocalized": de.parts}[found.branch]
    levels = BranchEstimates(
        samples=profile.samples,
        coherent=float(values[0]),
        localized=lo.value,
        delocalized=de.edge,
        coherent_leading=float(profile.coherent.sum()),
        mean=mean,
        typical=float(lo.parts.sum()),
        spread=math.sqrt(lo.log_variance),
        centre=de.centre,
        coherent_coupling_sq=coherent_coupling_sq,
        localized_coupling_sq=localized_coupling_sq,
        log_variances=variances,
    )
    return Finite(
        found.value,
        interval.mixed(values / found.value if found.value > 0.0 else 0.0 * values, np.array(variances)),
        found.branch,
        _by_layer(grown, terms, found),
        _warnings(profile, network, ctx, values) + (wide(lo.log_variance) if found.branch == "localized" else ()),
        levels,
    )


def leading_order(terms: Sequence[Term], samples: float) -> Finite:
    """Return the leading order in the same shape, for a network that is not :func:`norms_add_at_forks`.

    The interval is the theory's own error, and wide where the complement could win.
    """
    parts = spectrum(terms, samples)
    along = parts.coherent >= parts.complement
    weights = [_weight(term, coherent=along) for term in terms]
    value = max(parts.coherent, parts.complement)
    total = math.fsum(weights)
    values = tuple(value * weight / total if total > 0.0 else 0.0 for weight in weights)
    safe = 10.0 * parts.complement < parts.coherent
    model = interval.MODEL_BRANCHES if safe else 3.0 * interval.MODEL
    rest = max(parts.complement, 0.0)
    levels = BranchEstimates(
        samples, parts.coherent, rest, rest, parts.coherent, rest, rest, 0.0, rest, 0.0, 0.0, (model**2,) * 3
    )
    reason = UNTRACKED if any(term.node.layer.has_weights for term in terms) else WEIGHTLESS
    return Finite(value, model**2, "coherent" if along else "localized", values, (reason,), levels)


def _warnings(profile: LayerwiseStatistics, network: Architecture, ctx: Context, values: Array) -> tuple[Notice, ...]:
    found = list(leaves(network.nodes, network.input.shape))
    nodes = [node for node, _ in found]
    last = max(at for at, node in enumerate(nodes) if weighted(node.layer))
    co, *rest = values.tolist()
    images = len(network.input.shape) > 1
    normalised = any(node.layer.fixes_scale for node in nodes)
    regime = Regime(
        statistics=normalised,
        through=ctx.through,
        images=images,
        at_outputs=_first(nodes[last:], lambda layer: layer.fixes_scale),
        gated=_first(nodes, lambda layer: layer.gates),
        grouped=_first(nodes, lambda layer: weighted(layer) and getattr(layer, "groups", 1) > 1),
    )
    least, path = min(((_values(node.layer, shape, ctx), node.path) for node, shape in found), key=lambda one: one[0])
    said = limits(profile, regime) + few_values(least, path, len(profile.one_sample))
    share = max(rest) / co if co > 0.0 else math.inf
    return said or complement(share, images=images, branches=profile.routes.branches, normalised=normalised)


def _first(nodes: Sequence[Node], holds: Callable[[Layer], bool]) -> str | None:
    """Return the path of the first layer of which something holds."""
    return next((node.path for node in nodes if holds(node.layer)), None)


def _values(layer: Layer, shape: Shape, ctx: Context) -> float:
    """Return how many values of one sample a layer's statistics average; infinite where they are over the batch."""
    found = layer.statistics(shape[0], ctx.samples)
    if found is None or found.batch:
        return math.inf
    return float(found.values_of_sample(math.prod(shape[1:])))


def _by_layer(grown: Array, terms: Sequence[Term], found: Combined) -> tuple[float, ...]:
    """Share lambda_max out: to a weight layer and the normaliser above it in the proportion of their leading parts."""
    own = np.array([_weight(term, coherent=found.branch == "coherent") for term in terms])
    layer = np.cumsum([weighted(term.node.layer) for term in terms]) - 1
    layer = np.maximum(layer, 0)
    leading = np.bincount(layer, own, minlength=len(grown))
    scale = np.divide(grown, leading, out=np.zeros_like(grown), where=leading > 0.0)
    parts = own * scale[layer]
    total = float(parts.sum())
    return tuple((parts * (found.value / total if total > 0.0 else 0.0)).tolist())


def _weight(term: Term, *, coherent: bool) -> float:
    """Return a layer's part of the leading order, up to a factor that all layers have."""
    if term.share is None:
        return 0.0
    own, trace = float(term.share.coherent), float(term.share.trace)
    return own if coherent else max(trace - own, 0.0)
