"""Channels side by side: kernels of concatenated branches, and gradients that go back to each of them.

Weights above average over all channels, so for them a concatenation is the channel-weighted mean of its parts'
kernels. A normaliser or an activation acts on each channel by itself, so they ask for the parts.
"""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np

from lrbound.meanfield import neighbours
from lrbound.meanfield.class_operator import classes_of
from lrbound.meanfield.gradient import Gradient, Portion, Sums
from lrbound.meanfield.kernel import SAME, Kernel
from lrbound.meanfield.quadratic_form import Inverse
from lrbound.meanfield.regroup import common, regroup
from lrbound.meanfield.statistics import Normalised, normalise

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lrbound.meanfield.contract import Context, Pullback, Split
    from lrbound.meanfield.edges import Reach
    from lrbound.meanfield.neighbours import Near
    from lrbound.meanfield.positions import Array, Axis
    from lrbound.meanfield.regroup import Regroup
    from lrbound.meanfield.statistics import Statistics
    from lrbound.meanfield.stream import Law


def concatenate(ends: Sequence[Kernel]) -> tuple[Kernel, Split]:
    """Return the kernel of the channels of all ends side by side, and its pullback.

    The gradient from random weights is alike for all channels: each end gets it in proportion to its channels. What a
    normaliser has scaled part by part (:class:`~lrbound.meanfield.gradient.Portion`) goes to its part.
    """
    if len(ends) == 1:
        return ends[0], lambda gradient: (gradient,)
    parts = [end.parts or (end,) for end in ends]
    out = mixture(ends, sum(parts, ()))
    ways = [regroup(end.rows, end.cols, out.rows, out.cols) for end in ends]
    stops = np.cumsum([len(group) for group in parts])

    def split(gradient: Gradient) -> tuple[Gradient, ...]:
        return tuple(
            _end(gradient, way, end, end.channels / out.channels, slice(stop - len(group), stop))
            for end, way, group, stop in zip(ends, ways, parts, stops, strict=True)
        )

    return out, split


def mixture(kinds: Sequence[Kernel], parts: tuple[Kernel, ...] = ()) -> Kernel:
    """Return the mean kernel of channels of several kinds."""
    rows, cols = (reduce(common, axes) for axes in zip(*((kind.rows, kind.cols) for kind in kinds), strict=True))
    channels = sum(kind.channels for kind in kinds)
    shares = [kind.channels / channels for kind in kinds]
    pair, site, near = _mean([(kind, kind) for kind in kinds], shares, rows, cols)
    return Kernel(
        channels,
        rows,
        cols,
        pair,
        site,
        mean=sum(share * kind.mean for share, kind in zip(shares, kinds, strict=True)),
        gaussian=all(kind.gaussian for kind in kinds),
        parts=parts,
        near=near,
    )


def _mean(
    moments: Sequence[tuple[Kernel | Normalised, Kernel]], shares: Sequence[float], rows: Axis, cols: Axis
) -> tuple[Array, Array, Near | None]:
    """Return the mean of moments on the classes of the kernels beside them."""
    total_pair: Array | float = 0.0
    total_site: Array | float = 0.0
    total_near: Near | None = None
    reach = neighbours.reach_of(*(moment.near for moment, _ in moments))
    for (moment, kind), share in zip(moments, shares, strict=True):
        way = regroup(kind.rows, kind.cols, rows, cols)
        total_pair = total_pair + way.gather_pair(share * moment.pair)
        total_site = total_site + way.gather(share * moment.site)
        near = way.gather_near(moment.near, reach)
        total_near = neighbours.added(total_near, None if near is None else near.scaled(share))
    return np.asarray(total_pair), np.asarray(total_site), total_near


def _end(gradient: Gradient, way: Regroup, end: Kernel, share: float, own: slice) -> Gradient:
    """Return the gradient at one end, whose parts are those of the slice ``own``."""
    even = gradient.evenly()
    if even is not None:
        even = way.backward(even.scaled(share), end.near)
    portions: list[Portion] = []
    total = even
    for weights, sums in gradient.portions:
        mine = weights[own]
        part = way.backward(sums.scaled(mine.sum()), end.near)
        total = part if total is None else total.plus(part)
        if len(mine) > 1 and mine.sum() > 0.0:
            portions.append(Portion(mine / mine.sum(), part))
    if total is None:
        raise ValueError("a gradient without parts")
    # Stein's term belongs to an activation right above, which acts on the average of the channels
    lean = gradient.excess
    excess = None if lean is None else lambda: way.backward(lean().scaled(share), end.near)
    kept = even if portions else None
    return Gradient(total, excess, masked=gradient.masked, portions=tuple(portions), even=kept)


_NORMALISED: WeakKeyDictionary[Kernel, dict[tuple[Statistics, float], Normalised]] = WeakKeyDictionary()
"""In a dense block every layer normalises all parts before it again, with the same result."""


def _normalised(part: Kernel, statistics: Statistics, eps: float, ctx: Context) -> Normalised:
    known = _NORMALISED.setdefault(part, {})
    if (statistics, eps) not in known:
        known[statistics, eps] = normalise(part, statistics, eps, ctx)
    return known[statistics, eps]


def normalise_parts(kernel: Kernel, statistics: Statistics, eps: float, ctx: Context) -> tuple[Normalised, Array]:
    """Normalise every part by its own variance; return the mean result, and how a gradient falls on the parts.

    The normalised parts have equal variances. What is left of their difference, the shape of their correlations, is
    averaged: to leading order in the difference that is exact.
    """
    shares = np.array([part.channels for part in kernel.parts]) / kernel.channels
    done = [_normalised(part, statistics, eps, ctx) for part in kernel.parts]
    pair, site, near = _mean(list(zip(done, kernel.parts, strict=True)), list(shares), kernel.rows, kernel.cols)
    inverses = shares[:, None] * np.array([zhat.inverse for zhat in done])
    same, cross = inverses.sum(axis=0).tolist()
    classes, even = classes_of(kernel), kernel.becomes(pair, site, near=near).even
    rho = classes.operator(even.pair, even.site)
    zhat = Normalised(statistics, classes, rho, Inverse(same, cross), pair, site, near)
    return zhat, inverses[:, SAME] / same


def part_by_part(forward: Callable[[Kernel], tuple[Kernel, Pullback]], kernel: Kernel) -> tuple[Kernel, Pullback]:
    """Apply an activation or a pool to every part; return the mean kernel and the pullback to the parts."""
    reach = neighbours.reach_of(kernel.near)
    parts = [_on(part, kernel.rows, kernel.cols, reach) for part in kernel.parts]
    outs, pulls = zip(*(forward(part) for part in parts), strict=True)
    shares = np.array([part.channels for part in parts]) / kernel.channels

    def pull(gradient: Gradient) -> tuple[Gradient, None]:
        ends = [each(Gradient(gradient.delta.scaled(share)))[0] for each, share in zip(pulls, shares, strict=True)]
        portions = tuple(Portion(row, end.delta) for row, end in zip(np.eye(len(ends)), ends, strict=True))

        leans = [end.excess for end in ends if end.excess is not None]

        def excess() -> Sums:
            return reduce(Sums.plus, (lean() for lean in leans))

        total, masked = reduce(Sums.plus, (end.delta for end in ends)), ends[0].masked
        return Gradient(total, excess if leans else None, masked=masked, portions=portions), None

    return mixture(outs), pull


def _on(part: Kernel, rows: Axis, cols: Axis, reach: Reach) -> Kernel:
    """Return a part on the classes of all parts together, with its law."""
    way = regroup(part.rows, part.cols, rows, cols)
    kernel = way.kernel(part, rows, cols, reach)
    return (
        kernel if part.law is None else replace(kernel, law=lambda: _law_on(part.law_here(), way, (rows, cols), reach))
    )


def _law_on(law: Law, way: Regroup, axes: tuple[Axis, Axis], reach: Reach) -> Law:
    below = law.below
    if below is not None:
        below = replace(below, rows=axes[0], cols=axes[1], law=below.law.on(way, reach))
    return replace(law.on(way, reach), below=below)
