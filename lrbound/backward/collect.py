"""The layerwise statistics of a network, collected on the one backward pass over its graph.

A stage is what lies under one weight layer, and several of them share what lies below a fork; a chain is a graph without forks.
Variance of a sample's norm is added at places of their own (:class:`~lrbound.backward.graph.Source`): a ReLU on a residual
stream is below the next body and the skip at once. Every fork notes its shares: of the gradients below it, weighed with the
forward kernel that stands for the tangent kernel below (as in :mod:`lrbound.backward.dof`), and of the variances that its join
adds up. The shares are taken below the next activation, because a gradient that has come down the skip has passed activation
derivatives above that favour the same units (lrbound/theory/finite-conv.md, section 2); the weaker memory further down is left
out. Maps are taken by class of positions; small ones position by position (:mod:`lrbound.forward.entrance`).

A weight layer on branches side by side has a stage in each of them: shares c of its Gram matrix that average over nu units
add up to a step of 1/sum c^2/nu (derived; c by the kernels that stand for tangent kernels). So a layer and its slices side by side
are the same.

The coherent direction's degrees of freedom and its coupling are those of :mod:`lrbound.backward.coherent_dof`, with tangent
kernels that add up at joins; what activations on a stream share is left out of those. On maps whose positions are not all
resolved, activation derivatives count in pairs.

Norms on a Gaussian stream (pre-activation) vary once, at its sums, and the activations that read it add only what they do
at a fixed norm, alike as far as the stream is the same below them.

Status: heuristic where a gradient's shares at forks stand for the flow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lrbound.backward import mean_activations as pattern
from lrbound.backward.finite_width import FiniteWidthBackward
from lrbound.backward.graph import Branches, Routes, Shares, Source, Weights
from lrbound.backward.layerwise import LayerwiseStatistics
from lrbound.backward.measures import overlap
from lrbound.backward.ntk import along
from lrbound.backward.records import Collected, Layer, OpenFork, VarianceSource
from lrbound.backward.shared_stream import readers
from lrbound.forward.sweep import Fork
from lrbound.meanfield.gradient import at_output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrbound.backward.graph import Chain as Way
    from lrbound.backward.sweep import Term
    from lrbound.forward.sweep import Chain
    from lrbound.meanfield.contract import Context
    from lrbound.meanfield.positions import Array


WORK = 40_000
"""Class pairs, added up over the layers, up to which tangent kernels are carried: a tenth of a second. Above it are nets on
large maps, whose stages have so many degrees of freedom that it matters little how they are counted, and deep convolutional
ones, where single samples dominate."""


def layerwise_statistics(chain: Chain, ctx: Context, outputs: int) -> tuple[list[Term], LayerwiseStatistics]:
    """Go back through a network; return the sweep's terms in network order, and the profile."""
    inputs = chain[0].below
    found = Collected(inputs, tangents=along(chain, inputs, ctx) if _work(chain) <= WORK else {})
    walk = FiniteWidthBackward(at_output(ctx.samples), ctx, found)
    terms = list(walk.through(chain))[::-1]
    return terms, _assembled(walk, found, ctx, outputs)


def _work(chain: Chain) -> int:
    """Return the number of class pairs of all layers."""
    return sum(
        sum(map(_work, step.chains))
        if isinstance(step, Fork)
        else (len(step.above.rows.counts) * len(step.above.cols.counts)) ** 2
        for step in chain
    )


def _laid_out(way: Sequence[Layer | VarianceSource | OpenFork], places: dict[int, int]) -> Way:
    chain: list[Weights | Source | Branches] = []
    for place in reversed(way):
        if isinstance(place, Layer):
            chain.append(Weights(places[id(place)], place.stage.step.alone))
        elif isinstance(place, VarianceSource):
            chain.append(Source(places[id(place)]))
        else:
            even = np.full(len(place.ways), 1.0 / len(place.ways))
            arms = tuple(_laid_out(arm, places) for arm in place.ways)
            chain.append(Branches(arms, place.flow or Shares(even, even), place.energy))
    return tuple(chain)


def _assembled(walk: FiniteWidthBackward, found: Collected, ctx: Context, outputs: int) -> LayerwiseStatistics:
    layers, sources = found.layers[::-1], found.sources[::-1]
    places = {id(place): at for row in (layers, sources) for at, place in enumerate(row)}
    steps = [layer.stage.step for layer in layers[1:]]

    def column(values: list[float]) -> Array:
        return np.array(values, dtype=np.float64)

    def of(name: str) -> Array:
        return column([getattr(source.law, name) for source in sources])

    norms, masks, shared = (
        column([getattr(source, name) for source in sources]) for name in ("norms", "masks", "shared")
    )
    widths = column([source.width for source in sources])
    loose = column([source.loose for source in sources])
    passed = loose * column([1.0 if source.from_below is None else source.from_below for source in sources])
    apart = column([2.0 * source.law.norm_slope**2 if source.stream is not None else 0.0 for source in sources])
    start, own = layers[0].width, layers[0].own_width
    head, lower = layers[-1], layers[:-1]
    return LayerwiseStatistics(
        samples=ctx.samples,
        outputs=outputs,
        coherent=column([layer.coherent for layer in layers]),
        complement=column([layer.complement for layer in layers]),
        coherence=column([layer.coherence for layer in layers]),
        own=column([layer.own for layer in layers]),
        own_alike=column([layer.own_alike for layer in layers]),
        common=column([step.common for step in steps]),
        crossed=column([layer.crossed for layer in layers]),
        one_sample=column([step.one_sample for step in steps]),
        batch_mean=column([step.batch_mean for step in steps]),
        bulk=column([step.bulk for step in steps]),
        norm=np.append(2.0 / own, np.maximum(of("norm") - apart, 0.0) / norms),
        gain=of("gain") / masks,
        both=of("both") / np.maximum(norms, masks),
        shared=np.append(2.0 / own, of("shared") * loose / shared + column([source.fixed for source in sources])),
        shared_both=of("shared_both") * loose / shared,
        shared_slope=of("shared_slope") * passed,
        mean_slope=of("mean_slope") * passed,
        norm_slope=of("norm_slope"),
        gain_slope=of("gain_slope"),
        linear=column([source.linear for source in sources]),
        above_statistics=(
            ctx.through
            and head.stage.under_statistics()
            and head.coherent > 0.5 * (head.coherent + sum(x.coherent for x in lower))
        ),
        width=np.append(start, np.where(np.isfinite(widths), widths, norms)),
        own_beside=column([source.own for source in sources]),
        mixing=column([step.mixing for step in steps]),
        overlap=np.append(
            overlap(found.inputs, ctx.samples) / found.inputs.channels, column([source.overlap for source in sources])
        ),
        overlap_slope=of("overlap_slope") * passed,
        overlap_own=of("overlap_own"),
        overlap_norm=column([source.overlap_norm for source in sources]),
        of_inputs=column([layer.of_inputs for layer in layers]),
        pattern=pattern.Pattern(
            share=column([layer.pattern for layer in layers]),
            kept=column([layer.gradients_alike for layer in layers]),
            width=column([layer.pattern_width for layer in layers]),
            gain=of("overlap_gain"),
        ),
        responses=tuple(source.response for source in sources),
        fixed=np.array([source.fixed_mean for source in sources], dtype=np.bool_),
        routes=Routes(_laid_out(walk.way, places), len(layers), len(sources), readers(sources)),
    )
