"""The stage's entry: lambda_max and its interval at finite batch, width and number of outputs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lrbound.finite import interval
from lrbound.finite.bulk import bulk, met_by_coherent
from lrbound.finite.combine import Branch, Combined, combine
from lrbound.finite.limits import UNTRACKED, complement, few_values, limits, wide
from lrbound.finite.localised import localised
from lrbound.finite.mixing import of_best_sample, of_coherent
from lrbound.finite.outputs import parts as coherent_parts
from lrbound.finite.stages import profile
from lrbound.finite.walk import visits, weighted
from lrbound.layers.base import Branching, run, unroll
from lrbound.meanfield.fisher import spectrum

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lrbound.finite.profile import Profile
    from lrbound.finite.wishart import Array
    from lrbound.layers.base import Context, Layer, Node, Shape
    from lrbound.meanfield.sweep import Term
    from lrbound.network import Network


class Levels(NamedTuple):
    """What the branches are made of.

    Attributes
    ----------
    samples : float
    co, lo, de : float
        The branches.
    coherent : float
        ``co`` without the growth through finite layers.
    mean : float
        Mean of the complement's spectrum, sum b_l.
    typical : float
        The same, grown as one typical sample's own spectrum.
    spread : float
        Standard deviation of the logarithm between samples.
    centre : float
        The mean, grown as the bulk.
    beside_co, beside_lo : float
        What couples the coherent direction and the best sample to the rest (see :mod:`lrbound.finite.mixing`).
    log_variances : tuple of float
        Of the branches over initialisations.
    grown : tuple of float
        Growth of each weight layer's part of one typical sample's own spectrum, in network order; empty where it is not known.
    """

    samples: float
    co: float
    lo: float
    de: float
    coherent: float
    mean: float
    typical: float
    spread: float
    centre: float
    beside_co: float
    beside_lo: float
    log_variances: tuple[float, float, float]
    grown: tuple[float, ...] = ()


class Finite(NamedTuple):
    """lambda_max of half_squared_error at finite size.

    Attributes
    ----------
    lambda_max : float
        Mean over initialisations.
    log_variance : float
        Variance of its logarithm over initialisations, the theory's own error included.
    branch : {"co", "lo", "de"}
        Coherent direction, one sample, or the edge of the bulk.
    parts : tuple of float
        Part of each layer in lambda_max, in the order of the terms; they add up to it.
    warnings : tuple of str
    levels : Levels
    """

    lambda_max: float
    log_variance: float
    branch: Branch
    parts: tuple[float, ...]
    warnings: tuple[str, ...]
    levels: Levels

    @property
    def interval(self) -> tuple[float, float]:
        """Return where 90 % of single initialisations fall."""
        return interval.around(self.lambda_max, self.log_variance)


def supported(network: Network) -> bool:
    """Say whether the stage knows the network's structure: layers one after the other."""
    return not any(isinstance(node.layer, Branching) for node in unroll(network.nodes))


def tracked(network: Network) -> bool:
    """Say whether the stage knows the network's branches: those of which the squared norms add."""
    return not supported(network) and all(_adds(node.layer) for node in unroll(network.nodes))


def _adds(layer: Layer) -> bool:
    if not isinstance(layer, Branching):
        return True
    return layer.norms_add and all(_adds(node.layer) for arm in layer.arms() for node in unroll(arm))


def estimate(network: Network, ctx: Context, terms: Sequence[Term], row: Profile | None = None) -> Finite:
    """Return lambda_max at finite batch, width and number of outputs.

    Parameters
    ----------
    network : Network
        One that is :func:`supported`, or :func:`tracked`.
    ctx : Context
        That of the leading-order sweep.
    terms : sequence of Term
        What the leading-order sweep found, in network order.
    row : Profile or None
        What :func:`~lrbound.finite.branches.track` found on the same way back, where there are branches.
    """
    row = profile(visits(network, ctx), ctx, network.outputs) if row is None else row
    co, lo, de = coherent_parts(row), localised(row), bulk(row)
    mean = float(row.complement.sum()) / row.samples
    values = np.array([co.sum(), lo.value, de.edge])
    beside_co, beside_lo = of_coherent(row, co), of_best_sample(row, lo)
    met = met_by_coherent(row)
    variances = (interval.coherent(row), interval.localised(row, lo), interval.bulk(row, de.parts))
    beyond = variances[1 if lo.value > de.edge else 2] - interval.MODEL**2
    found = combine(
        float(values[0]),
        lo.value,
        de.edge,
        mean,
        de.centre,
        met=met,
        beside_co=beside_co,
        beside_lo=beside_lo,
        spread=math.sqrt(max(beyond, 0.0)),
    )
    grown = {"co": co, "lo": lo.parts, "de": de.parts}[found.branch]
    own = row.complement / row.samples
    levels = Levels(
        samples=row.samples,
        co=float(values[0]),
        lo=lo.value,
        de=de.edge,
        coherent=float(row.coherent.sum()),
        mean=mean,
        typical=float(lo.parts.sum()),
        spread=math.sqrt(lo.log_variance),
        centre=de.centre,
        beside_co=beside_co,
        beside_lo=beside_lo,
        log_variances=variances,
        grown=tuple(np.divide(lo.parts, own, out=np.ones_like(own), where=own > 0.0).tolist()),
    )
    return Finite(
        found.value,
        interval.mixed(values / found.value if found.value > 0.0 else 0.0 * values, np.array(variances)),
        found.branch,
        _by_layer(grown, terms, found),
        _warnings(row, network, ctx, values) + (wide(lo.log_variance) if found.branch == "lo" else ()),
        levels,
    )


def leading(terms: Sequence[Term], samples: float) -> Finite:
    """Return the leading order in the same shape, for a network that is neither :func:`supported` nor :func:`tracked`.

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
    levels = Levels(
        samples, parts.coherent, rest, rest, parts.coherent, rest, rest, 0.0, rest, 0.0, 0.0, (model**2,) * 3
    )
    return Finite(value, model**2, "co" if along else "lo", values, (UNTRACKED,), levels)


def _warnings(row: Profile, network: Network, ctx: Context, values: Array) -> tuple[str, ...]:
    layers = [layer for layer, _ in _leaves(network.nodes, network.input.shape)]
    last = max(at for at, layer in enumerate(layers) if weighted(layer))
    co, *rest = values.tolist()
    images = len(network.input.shape) == 3
    normalised = any(layer.fixes_scale for layer in layers)
    found = limits(
        row,
        statistics=normalised,
        through=ctx.through,
        images=images,
        at_outputs=any(layer.fixes_scale for layer in layers[last:]),
        gated=any(layer.gates for layer in layers),
        grouped=any(getattr(layer, "groups", 1) > 1 for layer in layers if weighted(layer)),
    )
    found += few_values(
        min((_values(*leaf, ctx) for leaf in _leaves(network.nodes, network.input.shape)), default=math.inf)
    )
    share = max(rest) / co if co > 0.0 else math.inf
    return found or complement(share, images=images, branches=row.routes is not None, normalised=normalised)


def _values(layer: Layer, shape: Shape, ctx: Context) -> float:
    """Return how many values of one sample a layer's statistics average; infinite where they are over the batch."""
    found = layer.statistics(shape[0], ctx.samples)
    if found is None or found.batch:
        return math.inf
    return float(found.channels) * (1 if layer.kind == "positional_norm" else math.prod(shape[1:]))


def _leaves(nodes: tuple[Node, ...], shape: Shape) -> Iterator[tuple[Layer, Shape]]:
    for node, inner in run(nodes, shape):
        if isinstance(node.layer, Branching):
            for arm in node.layer.arms():
                yield from _leaves(arm, inner)
        else:
            yield node.layer, inner


def _by_layer(grown: Array, terms: Sequence[Term], found: Combined) -> tuple[float, ...]:
    """Share lambda_max out: to a weight layer and the normaliser above it in the proportion of their leading parts."""
    own = np.array([_weight(term, coherent=found.branch == "co") for term in terms])
    row = np.cumsum([weighted(term.node.layer) for term in terms]) - 1
    row = np.maximum(row, 0)
    leading = np.bincount(row, own, minlength=len(grown))
    scale = np.divide(grown, leading, out=np.zeros_like(grown), where=leading > 0.0)
    parts = own * scale[row]
    total = float(parts.sum())
    return tuple((parts * (found.value / total if total > 0.0 else 0.0)).tolist())


def _weight(term: Term, *, coherent: bool) -> float:
    """Return a layer's part of the leading order, up to a factor that all layers have."""
    if term.share is None:
        return 0.0
    own, trace = float(term.share.coherent), float(term.share.trace)
    return own if coherent else max(trace - own, 0.0)
