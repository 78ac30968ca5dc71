"""A network's profile: one pass back over the layers, which collects what lies between two weight layers into a stage."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lrbound.finite import pattern
from lrbound.finite.filters import norm_excess
from lrbound.finite.freedom import Freedom, Signal, freedom
from lrbound.finite.mean_signal import Masks, Tangents, batch_mean, coupled_channels
from lrbound.finite.measures import (
    COHERENT,
    absorbs,
    bias_kernel,
    from_below,
    in_common,
    inputs_of,
    kurtosis,
    law_of,
    of_inputs,
    overlap,
    own_part,
    probe,
    quotient,
    split,
    squares,
    varying,
    width,
)
from lrbound.finite.own_share import OwnShare, seen_by_statistics
from lrbound.finite.passing import Passing
from lrbound.finite.profile import Profile
from lrbound.finite.response import of_activation, of_slopes, of_statistics
from lrbound.finite.sphere import NONE, Correction, correction, factors
from lrbound.finite.tangent import tangents
from lrbound.finite.unit import LINEAR, Unit
from lrbound.finite.walk import squeezes, weighted
from lrbound.meanfield.gradient import Gradient, Share, at_output
from lrbound.meanfield.kernel import CROSS, SAME, Kernel, outer

if TYPE_CHECKING:
    from collections.abc import Callable

    from lrbound.finite.response import Response
    from lrbound.finite.walk import Visit
    from lrbound.finite.wishart import Array
    from lrbound.meanfield.contract import Context
    from lrbound.meanfield.gaussian import Curve


class _Stage:
    """What lies between two weight layers."""

    def __init__(self) -> None:
        self.law: Unit = LINEAR
        self.freedom: Freedom | None = None
        self.curve: Curve | None = None
        self.inverse_kurtosis = 1.0  # of 1/s^2 over the units, under batch statistics
        self.normalised = False
        self.correction: Correction = NONE
        self.mixing, self.overlap = 0.0, 0.0
        self.shared: float | None = None  # of stages whose statistics fix the units' norms
        self.linear = 1.0
        self.norm_slope = 1.0
        self.gain_slope = 0.0
        self.gate: Passing | None = None
        self.responses: list[Callable[[], Response]] = []  # from the highest layer down

    def masked(self, law: Unit) -> None:
        """Put one more layer of masks on the stage; the one nearest to the weights comes last."""
        old = self.law
        self.law = Unit(
            one=old.one * law.one,
            mean=old.mean * law.mean,
            norm=(law.norm + 1.0) * old.one - 1.0,
            gain=(law.gain + 1.0) * (old.gain + 1.0) - 1.0,
            both=(law.both + 1.0) * old.one - 1.0 if law.gain else old.both,
            norm_slope=law.norm_slope,
            gain_slope=law.gain_slope,
            shared=law.shared,
            shared_both=law.shared_both,
            overlap=law.overlap,
            overlap_slope=old.overlap_slope * law.overlap_slope,
            overlap_own=law.overlap_own,
            overlap_norm=law.overlap_norm,
            overlap_gain=law.overlap_gain,
            shared_slope=law.shared_slope,
            mean_slope=law.mean_slope,
        )
        self.norm_slope *= law.norm_slope
        self.gain_slope += law.gain_slope


class _Row(NamedTuple):
    """One weight layer, and the stage above it (none at the outputs)."""

    coherent: float
    complement: float
    coherence: float
    width: float
    own_width: float
    overlap: float
    of_inputs: float
    stage: _Stage | None
    from_below: float
    own: float
    own_alike: float
    crossed: float
    patterned: float
    kept: float
    pattern_width: float


class _Back:
    """The way back: the gradient, how much of a direction is in one piece, the stage in the making, other parameters."""

    def __init__(self, ctx: Context, rest: list[Visit]) -> None:
        self.ctx, self.rest = ctx, rest
        self.samples = ctx.samples
        self.gradient = at_output(ctx.samples)
        self.kept, self.own = 1.0, OwnShare()
        self.crossed = 0.0  # relative variance of two samples' inner products at one pair of positions
        self.stage: _Stage | None = None
        self.beside = np.zeros(2)
        self.next = self.biases, self.absorbed = 0.0, False

    def look_ahead(self) -> None:
        """Note what the stage under a weight layer will end with: batch statistics, and the biases under it."""
        self.next = 0.0, False
        absorbed = False
        for visit in reversed(self.rest):
            absorbed |= self.ctx.through and absorbs(visit.layer, visit.below.channels, self.samples)
            if weighted(visit.layer):
                self.next = 0.0 if absorbed else bias_kernel(visit, self.ctx), absorbed
                break

    def visit(self, visit: Visit, tangents: Tangents) -> _Row | None:
        """Go through one layer, given the tangent kernels below and above it; a weight layer completes a row."""
        row = None
        below, share = visit.pull(self.gradient)
        if weighted(visit.layer):
            assert share is not None
            row = self._weights(visit, below, share)
        elif absorbs(visit.layer, visit.below.channels, self.samples):
            self._normaliser(visit, share)
        else:
            self.beside = self.beside + split(share, self.samples)
            self._pointwise(visit, below, tangents)
            self._small_sets(visit)
        self.gradient = below
        return row

    def _weights(self, visit: Visit, below: Gradient, share: Share) -> _Row:
        coherent, complement = split(share, self.samples)
        coherent += self._leaning(visit)
        _, probed = visit.pull(probe(own_part(self.gradient, self.samples), self.gradient, self.samples))
        assert probed is not None
        part = float(probed.coherent) / complement if complement > 0.0 else 0.0
        whole = self.kept * part
        row = _Row(
            coherent + self.beside[0],
            complement + self.beside[1],
            min(max(whole, 0.0), 1.0),
            width(visit.below, in_common(below, self.samples)),
            width(visit.below, own_part(below, self.samples)),
            overlap(visit.below, self.samples),
            of_inputs(visit, self.gradient, self.beside[0], coherent + self.beside[0]),
            self._closed(visit.above),
            from_below(visit, self.ctx),
            self.own.share,
            self.own.alike,
            self.crossed / inputs_of(visit),
            max(1.0 - part, 0.0),
            self.kept,
            pattern.width(self.gradient, visit.above),
        )
        self.stage, self.beside = _Stage(), np.zeros(2)
        self.biases, self.absorbed = self.next
        return row

    def _leaning(self, visit: Visit) -> float:
        """Return what masks that lean on these weights add to their coherent value."""
        if visit.lean is None:
            return 0.0
        layer = visit.layer
        assert weighted(layer)
        fan_in = inputs_of(visit)
        scale = fan_in / (layer.init or self.ctx.init).sigma_w2(
            fan_in, fan_in * visit.above.channels // visit.below.channels
        )
        spread = np.sqrt(np.maximum(visit.above.on_site[SAME] - visit.above.on_site[CROSS], 0.0))
        kernel = visit.lean.becomes(visit.lean.pair * outer(spread), visit.lean.site * spread**2)
        return scale * float(self.gradient.delta.dot(kernel).coherent)

    def _closed(self, kernel: Kernel) -> _Stage | None:
        if self.stage is not None and self.stage.freedom is None:
            self._count(kernel, self.gradient)
        return self.stage

    def _count(self, kernel: Kernel, gradient: Gradient) -> None:
        if self.stage is None:
            return
        delta = gradient.delta
        same, cross = (Signal(delta.pair[COHERENT, k], delta.site[COHERENT, k]) for k in (SAME, CROSS))
        self.stage.freedom = freedom(
            kernel,
            own_part(gradient, self.samples),
            same,
            cross,
            self.stage.law,
            self.samples,
            absorbed=self.absorbed,
            biases=self.biases,
        )

    def _count_mean(self, visit: Visit, tangents: Tangents) -> None:
        stage, curve = self.stage, visit.layer.curve
        assert stage is not None
        assert stage.freedom is not None
        masks = Masks(LINEAR, None) if self.gradient.masked else Masks(stage.law, curve)
        found = batch_mean(visit.below, tangents, self.gradient, masks, self.samples)
        stage.freedom = stage.freedom._replace(batch_mean=found.freedom, bulk=found.bulk)
        stage.mixing, stage.overlap = found.mixing, found.overlap
        if tangents.statistics is not None:
            stage.shared = found.shared

    def _small_sets(self, visit: Visit) -> None:
        """Couple the channels of a small set, which share a variance (theory of the normalisers, section 4)."""
        stage, statistics = self.stage, visit.layer.statistics(visit.below.channels, self.samples)
        if stage is None or stage.freedom is None or statistics is None or (statistics.batch and not self.ctx.through):
            return
        coupled = coupled_channels(visit.below, statistics, rectified=stage.curve is not None)
        stage.freedom = stage.freedom._replace(batch_mean=stage.freedom.batch_mean / coupled)

    def _normaliser(self, visit: Visit, share: Share | None) -> None:
        self.beside = self.beside + split(share, self.samples)
        if self.stage is None:
            return
        number = squares(visit.above, self.samples)
        self.stage.inverse_kurtosis *= kurtosis(number)
        self.stage.normalised = True
        if self.ctx.through:
            own = own_part(self.gradient, self.samples)
            self.own = self.own.through_statistics(seen_by_statistics(visit.above, own), self.samples)
            self._on_sphere(visit.above)
            passes = 1.0 - 2.0 / (number + 1.0)
            self.stage.norm_slope *= passes
            # its own reaction, and that of the masks above it to the norm that it passes on
            self.stage.gain_slope = passes * self.stage.gain_slope - 1.0 / (number + 1.0)
            self.stage.responses.append(partial(of_statistics, self.samples, _rounded(number)))

    def _on_sphere(self, kernel: Kernel) -> None:
        stage = self.stage
        if stage is None or stage.curve is None or kernel.positions > 1:
            return
        gamma = math.sqrt(max(kernel.averages()[0] - kernel.mean**2, 0.0))
        found = correction(stage.curve, round(gamma, 12), kernel.mean, self.samples)
        stage.correction = found
        self.kept *= found.cross / found.slopes
        stage.linear *= found.cross / found.varying

    def _pointwise(self, visit: Visit, below: Gradient, tangents: Tangents) -> None:
        """Masks, as an activation or dropout has them; what only moves positions changes nothing here."""
        own = own_part(self.gradient, self.samples)
        after = visit.pull(probe(own, self.gradient, self.samples))[0].delta.site[1]
        same, cross, total = float(after[SAME].sum()), float(after[CROSS].sum()), float(own.site.sum())
        if self.stage is None or not (same > 0.0 and total > 0.0):
            return
        self.kept *= cross / same
        self.own = self.own.masked(cross / same)
        self.stage.linear *= cross / total * quotient(varying(visit.below), varying(visit.above))
        if visit.layer.curve is not None:
            self.stage.curve = visit.layer.curve
            law = law_of(visit.layer.curve, visit.below, self.samples)
            self.crossed = (law.one - law.gain) / visit.below.channels
            self.stage.masked(law)
            q, x = visit.below.averages()
            moments = visit.below.mean, q - visit.below.mean**2, x - visit.below.mean**2
            self.stage.responses.append(partial(of_activation, visit.layer.curve, *map(_rounded, moments)))
            self._count(visit.below, below)
            self._count_mean(visit, tangents)
            if self.stage.freedom is not None:
                norms = self.stage.freedom.norms / norm_excess(visit.below, visit.layer.curve)
                self.stage.freedom = self.stage.freedom._replace(norms=norms)
        elif squeezes(visit.layer):
            from lrbound.finite.gates import gate

            found = gate(visit.layer, visit.below, reversed(self.rest), self.gradient, self.ctx)
            self.stage.gate = found if self.stage.gate is None else self.stage.gate.over(found)
            self.stage.responses.append(partial(of_slopes, found))
        elif cross < same:
            mask = same / cross
            self.stage.masked(LINEAR._replace(one=mask, gain=mask - 1.0))


def _rounded(value: float) -> float:
    """Return a number to four digits, so that the layers of a deep net share their responses."""
    return float(f"{value:.4g}")


def profile(visits: list[Visit], ctx: Context, outputs: int) -> Profile:
    """Return the profile of a network after its forward sweep; empties ``visits``, so that kernels are freed."""
    back = _Back(ctx, visits)
    flat = visits[0].below.positions == 1
    rows = []
    found = tangents(visits, ctx)
    found.insert(0, visits[0].below)
    while visits:
        visit, above = visits.pop(), found.pop()
        lower = visits[-1].layer.statistics(visit.below.channels, ctx.samples) if visits else None
        if lower is not None and lower.batch and not ctx.through:
            lower = None
        if weighted(visit.layer):
            back.look_ahead()
        raw = found[-1] if lower is None else found[-2]
        row = back.visit(visit, Tangents(raw, found[-1], above, lower))
        if row is not None:
            rows.append(row)
    rows.reverse()
    return _assembled(rows, ctx, outputs, flat=flat)


def _assembled(rows: list[_Row], ctx: Context, outputs: int, *, flat: bool) -> Profile:
    stages = [row.stage for row in rows if row.stage is not None]
    counts = [stage.freedom for stage in stages if stage.freedom is not None]

    def column(values: list[float]) -> Array:
        return np.array(values, dtype=np.float64)

    inverse = column([stage.inverse_kurtosis for stage in stages])
    laws = [stage.law for stage in stages]
    ones, rest = factors([stage.correction for stage in stages], [stage.normalised for stage in stages])
    shared = column([count.shared for count in counts])
    # batch statistics hold the mean fixed, and those of a sample the norm, so that nothing is passed on
    loose = column([0.0 if stage.normalised or stage.shared is not None else 1.0 for stage in stages])
    fixed = column([0.0 if stage.normalised else stage.shared or 0.0 for stage in stages])
    passed = loose * column([row.from_below for row in rows if row.stage is not None])
    spread = [_spread(stage, count) for stage, count in zip(stages, counts, strict=True)]
    return Profile(
        samples=ctx.samples,
        outputs=outputs,
        coherent=column([row.coherent for row in rows]) * ones,
        complement=column([row.complement for row in rows]) * rest,
        coherence=column([row.coherence for row in rows]),
        own=column([row.own for row in rows]),
        own_alike=column([row.own_alike for row in rows]),
        common=column([1.0 - law.gain / law.one for law in laws]),
        crossed=column([row.crossed for row in rows]),
        one_sample=column([c.one_sample for c in counts]) / inverse,
        batch_mean=column([c.batch_mean for c in counts]) / inverse,
        bulk=column([c.bulk for c in counts]) / inverse,
        norm=np.append(2.0 / rows[0].own_width, column([each.norm for each in spread])),
        gain=column([each.gain for each in spread]),
        both=column([each.both for each in spread]),
        shared=np.append(2.0 / rows[0].own_width, column([law.shared for law in laws]) * loose / shared + fixed),
        shared_both=column([law.shared_both for law in laws]) * loose / shared,
        shared_slope=column([law.shared_slope for law in laws]) * passed,
        mean_slope=column([law.mean_slope for law in laws]) * passed,
        norm_slope=column([each.norm_slope for each in spread]),
        gain_slope=column([each.gain_slope for each in spread]),
        linear=column([stage.linear for stage in stages]),
        above_statistics=ctx.through and _above_statistics(rows),
        width=column([row.width for row in rows]),
        own_beside=column([row.own for row in rows[1:]]),
        mixing=column([stage.mixing for stage in stages]),
        overlap=np.append(rows[0].overlap / rows[0].own_width, column([stage.overlap for stage in stages])),
        overlap_slope=column([law.overlap_slope for law in laws]) * passed,
        overlap_own=column([law.overlap_own for law in laws]) * flat,
        overlap_norm=column([law.overlap_norm for law in laws]) / shared * flat,
        of_inputs=column([row.of_inputs for row in rows]),
        pattern=pattern.Pattern(
            share=column([row.patterned for row in rows]),
            kept=column([row.kept for row in rows]),
            width=column([row.pattern_width for row in rows]),
            gain=column([law.overlap_gain for law in laws]),
        ),
        responses=tuple(stage.responses for stage in stages),
        fixed=np.array([stage.normalised and ctx.through for stage in stages]),
    )


def _spread(stage: _Stage, count: Freedom) -> Passing:
    """Return what a stage adds to the variance of a sample's norm and gain, and how it passes a norm on."""
    law = stage.law
    ungated = Passing(
        law.norm / count.norms,
        law.gain / count.masks,
        law.both / max(count.norms, count.masks),
        stage.norm_slope,
        stage.gain_slope,
    )
    return ungated if stage.gate is None else stage.gate.over(ungated)


def _above_statistics(rows: list[_Row]) -> bool:
    last = max((at for at, row in enumerate(rows) if row.stage is not None and row.stage.normalised), default=None)
    if last is None:
        return False
    total = sum(row.coherent for row in rows)
    return last == len(rows) - 2 and rows[-1].coherent > 0.5 * total
