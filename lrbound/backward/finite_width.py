"""The backward pass at finite size: the gradient of the sweep, and what finite width and batch add to it."""

from __future__ import annotations

from functools import partial, reduce
from typing import TYPE_CHECKING

import numpy as np

from lrbound.backward import mean_activations as pattern
from lrbound.backward.ahead import absorbed_below, down_to_fork, draws, statistics_below
from lrbound.backward.coherent_dof import Masks, Tangents, batch_mean, coupled_channels
from lrbound.backward.dof import DegreesOfFreedom, Signal, freedom
from lrbound.backward.filters import norm_excess
from lrbound.backward.graph import Shares
from lrbound.backward.measures import (
    COHERENT,
    between,
    from_below,
    in_common,
    inputs_of,
    isometry,
    kept_norms,
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
from lrbound.backward.norm_response import of_activation, of_slopes, of_statistics
from lrbound.backward.records import LEAST, Collected, Layer, OpenFork, Stage, VarianceSource
from lrbound.backward.self_gradient import SelfGradient, met, overlap_with_null_space
from lrbound.backward.shares import centred, coarse, energies, normed, rounded, sizes
from lrbound.backward.sweep import Backward
from lrbound.backward.unit_moments import LINEAR, Unit
from lrbound.forward.fan_in import leaning
from lrbound.forward.roles import absorbs, squeezes, weighted
from lrbound.forward.small_batch import passed_on
from lrbound.forward.sweep import Step
from lrbound.meanfield.gradient import Gradient, Sums
from lrbound.meanfield.kernel import CROSS, SAME, Kernel

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lrbound.backward.sweep import Term
    from lrbound.forward.sweep import Chain, Fork
    from lrbound.layers.squeeze_excite import SqueezeExcite
    from lrbound.meanfield.contract import Context
    from lrbound.meanfield.gradient import Share


class FiniteWidthBackward(Backward):
    """A gradient on its way down, with what it carries: stages that are not complete, and gradients of single arms.

    It hands the sweep's own terms on, and fills :class:`~lrbound.backward.records.Collected` from the outputs down.
    """

    def __init__(self, gradient: Gradient, ctx: Context, found: Collected, outer: tuple[Chain, ...] = ()) -> None:
        super().__init__(gradient)
        self.ctx, self.found, self.outer = ctx, found, outer
        self.samples = ctx.samples
        self.rest: Chain = []
        self.way: list[Layer | VarianceSource | OpenFork] = []
        self.kept, self.own = 1.0, SelfGradient()
        self.crossed = 0.0  # relative variance of two samples' inner products at one pair of positions
        self.beside = np.zeros(2)
        self.open: list[Stage] = []
        self.under: list[tuple[Stage, float]] = []
        self.latest: list[VarianceSource] = []
        self.fluid: list[VarianceSource] = []
        self.parted = False
        self.stream, self.depth = object(), 0.0
        self.fork: OpenFork | None = None
        self.single: list[Gradient] = []
        self.absorbed = False

    def through(self, chain: Chain) -> Iterator[Term]:
        """Yield the layers of a chain, and keep what is still to come."""
        self.rest = chain
        yield from super().through(chain)

    def step(self, step: Step) -> Share | None:
        """Pull the gradient through one layer, and note what that adds."""
        if step.sphere is not None:
            self.gradient = passed_on(self.gradient, step.sphere, self.samples)
        above = self.gradient
        share = super().step(step)
        layer = step.node.layer
        if weighted(layer):
            assert share is not None
            more = leaning(step, above, self.ctx)
            share = share._replace(coherent=share.coherent + more, trace=share.trace + more)
            linear = bool(self.open)
            self._settle(step.above, above, LINEAR)
            if linear or self.parted:
                self._sum(step.above, above, Shares(np.zeros(1), np.zeros(1)), fixed=kept_norms(step, self.ctx))
            self._weights(step, above, share)
            return share
        self.beside = self.beside + split(share, self.samples)
        if absorbs(layer, step.below.channels, self.samples):
            self._settle(step.above, above, None)
            self._normaliser(step, above)
        else:
            self._pointwise(step, above)
            self._small_sets(step)
        return share

    def arms(self, fork: Fork) -> Sequence[FiniteWidthBackward]:
        """Return a walk for each branch, which takes its part of what is open above."""
        beside = sum(end.channels for end in fork.ends) == fork.above.channels
        self._settle(fork.above, self.gradient, None if beside else LINEAR)
        energy = energies(fork.ends)
        if fork.above.gaussian:
            old = np.array([not draws(way) for way in fork.chains])
            kept = Shares(old * energy.coherent, old * energy.complement)
            self._sum(fork.above, self.gradient, kept)
            if kept.complement.any():
                self.depth -= 0.5 * np.log(kept.complement.sum())
            else:
                self.stream = object()
        else:
            self.stream = object()
        walks = []
        gradients = fork.split(self.gradient)
        pieces = [stage.split(sizes(gradients, fork.ends, self.samples)) for stage in self.open] if beside else []
        for arm, end in enumerate(gradients):
            walk = FiniteWidthBackward(end, self.ctx, self.found, (*self.outer, self.rest))
            walk.exposed, walk.latest, walk.absorbed = self.exposed, self.latest, self.absorbed
            walk.kept, walk.own, walk.crossed = self.kept, self.own, self.crossed
            walk.open = [piece[arm] for piece in pieces]
            walk.under = [
                (stage, part * float(energy.complement[arm])) for stage, part in self.under if not stage.pieces
            ]
            walk.under += [(stage, 1.0) for stage in walk.open]
            walks.append(walk)
        return walks

    def meet(self, fork: Fork, walks: Sequence[Backward]) -> None:
        """Go on below the branches with what is still open in each."""
        ours = [walk for walk in walks if isinstance(walk, FiniteWidthBackward)]
        self.single = [walk.gradient for walk in ours]
        super().meet(fork, walks)
        self.fork = OpenFork([walk.way for walk in ours], energies(fork.ends))
        self.way.append(self.fork)
        self.beside = self.beside + sum(walk.beside for walk in ours)
        self.absorbed = next((walk.absorbed for walk in ours if walk.open), self.absorbed)
        self.open, self.under = [], []
        for arm, walk in enumerate(ours):
            for stage in walk.open:
                stage.arm = arm
            self.open += walk.open
            self.under += [(stage, 1.0) for stage in walk.open]
        self.latest = []
        self.fluid = [source for walk in ours for source in walk.fluid]
        self.parted = bool(self.fluid)
        sizes = np.array([float(own_part(walk.gradient, self.samples).site.sum()) for walk in ours])
        self.kept = float(np.array([walk.kept for walk in ours]) @ sizes / max(float(sizes.sum()), 1e-300))
        self.own = met([walk.own for walk in ours], np.maximum(sizes, 1e-300))
        self.crossed = ours[int(sizes.argmax())].crossed
        if sum(bool(gradient.passed) for gradient in self.single) > 1:
            self._settle(fork.below, self.gradient, None)

    def _weights(self, step: Step, above: Gradient, share: Share) -> None:
        coherent, complement = split(share, self.samples)
        own = own_part(self.gradient, self.samples)
        whole = float(split(self.gradient.delta.dot(step.below), self.samples)[1])
        part = between(own, step.below) / whole if whole > 0.0 else 0.0
        layer = Layer(
            coherent + self.beside[0],
            complement + self.beside[1],
            min(max(self.kept * part, 0.0), 1.0),
            width(step.below, in_common(self.gradient, self.samples)),
            width(step.below, own),
            self.own.share,
            self.own.alike,
            self.crossed / inputs_of(step),
            of_inputs(step, above, self.beside[0], coherent + self.beside[0]) if self.found.flat else 0.0,
            self.kept,
            max(1.0 - part, 0.0),
            pattern.width(above, step.above),
        )
        for source in self.latest:
            source.from_below = source.from_below or from_below(step, self.ctx)
        self.latest, self.fluid, self.parted, self.stream = [], [], False, object()
        self.found.layers.append(layer)
        self.way.append(layer)
        layer.stage.isometric = isometry(step, self.ctx)
        self.open, self.under, self.beside = [layer.stage], [(layer.stage, 1.0)], np.zeros(2)
        self.absorbed = absorbed_below((self.rest, *reversed(self.outer)), self.ctx)

    def _normaliser(self, step: Step, above: Gradient) -> None:
        number = squares(step.above, self.samples)
        for stage, part in self.under:
            stage.inverse_kurtosis *= 1.0 + (kurtosis(number) - 1.0) * part**2
            stage.normalised = True
        for source in self.latest:
            source.loose = 0.0
        if self.ctx.through:
            self.own = self.own.through_statistics(
                overlap_with_null_space(step.above, own_part(above, self.samples)), self.samples
            )
            passes = 1.0 - 2.0 / (number + 1.0)
            none = LINEAR._replace(norm_slope=passes, gain_slope=-1.0 / (number + 1.0), shared_slope=0.0)
            source = VarianceSource(none, loose=0.0, fixed_mean=True)
            source.response = partial(of_statistics, self.samples, rounded(number))
            self._add(source)

    def _pointwise(self, step: Step, above: Gradient) -> None:
        """Masks, as an activation or dropout has them; what only moves positions changes nothing here."""
        own = own_part(above, self.samples)
        after = step.pull(probe(own, above, self.samples))[0].delta.site[1]
        same, cross, total = float(after[SAME].sum()), float(after[CROSS].sum()), float(own.site.sum())
        self._pull_arms(step)
        if not (same > 0.0 and total > 0.0):
            return
        if step.sphere is not None:
            cross *= step.sphere.cross
            same *= step.sphere.slopes
        self.kept *= cross / same
        self.own = self.own.masked(cross / same)
        linear = cross / total * quotient(varying(step.below), varying(step.above))
        if (curve := step.node.layer.curve) is not None:
            law = law_of(curve, step.below, self.samples)
            self.crossed = (law.one - law.gain) / step.below.channels
            waiting = self.open
            numbers = self._settle(step.below, self.gradient, law)
            fixed = self._count_mean(step, above, law, waiting)
            norms = numbers.norms / norm_excess(step.below, curve)
            below = self.rest[-1] if self.rest else None
            kept = kept_norms(below, self.ctx) if isinstance(below, Step) else 0.0
            if kept:
                law = law.at_fixed_norm(kept, overlap(step.below, self.samples))
            source = VarianceSource(
                law, norms, numbers.masks, numbers.shared, linear, overlap=law.overlap / numbers.shared
            )
            source.overlap_norm = law.overlap_norm / numbers.shared
            source.width = width(step.above, in_common(above, self.samples)) / max(1.0 - kept * linear**2, LEAST)
            if fixed > 0.0:
                source.fixed, source.loose = fixed, 0.0
            q, x = step.below.averages()
            moments = step.below.mean, q - step.below.mean**2, x - step.below.mean**2
            source.response = partial(of_activation, curve, *map(rounded, moments))
            self._add(source)
            self.fluid, self.parted = [self.found.sources[-1]], False
        elif squeezes(step.node.layer):
            self._gate(step, step.node.layer, above, linear)
        elif cross < same:
            mask = same / cross
            law = LINEAR._replace(one=mask, gain=mask - 1.0, norm=mask - 1.0, both=mask - 1.0, shared=0.0)
            units = float(step.below.channels * step.below.positions)
            self._add(VarianceSource(law, units, units, units, linear))
            for stage in self.open:
                stage.masks *= mask
        else:
            self._add(VarianceSource(LINEAR, linear=linear))

    def _gate(self, step: Step, layer: SqueezeExcite, above: Gradient, linear: float) -> None:
        from lrbound.backward.gates import gate

        found = gate(layer, step.below, down_to_fork(self.rest), above, self.ctx)
        units = float(step.below.channels * step.below.positions)
        law = LINEAR._replace(
            norm=units * found.norm,
            gain=units * found.gain,
            both=units * found.both,
            norm_slope=found.norm_slope,
            gain_slope=found.gain_slope,
            shared=0.0,
        )
        source = VarianceSource(law, units, units, units, linear)
        source.response = partial(of_slopes, found)
        self._add(source)

    def _count_mean(self, step: Step, above: Gradient, law: Unit, waiting: Sequence[Stage]) -> float:
        """Count what the mean over the batch averages over in the stages that have waited for these masks.

        Returns the relative variance of its square, where statistics of several channels fix it but for that; else 0.
        """
        here = self.found.tangents.get(id(step))
        if here is None or not waiting:
            return 0.0
        under, statistics = statistics_below(self.rest, self.ctx)
        raw = here.below if under is None else self.found.tangents[id(under)].below
        if (raw.rows, raw.cols) != (here.below.rows, here.below.cols):
            raw = here.below
        masks = Masks(LINEAR, None) if above.masked else Masks(law, step.node.layer.curve)
        found = batch_mean(step.below, Tangents(raw, here.below, here.above, statistics), above, masks, self.samples)
        for stage in waiting:
            stage.mixing = found.mixing
            if stage.freedom is not None:
                stage.freedom = stage.freedom._replace(batch_mean=found.freedom, bulk=found.bulk)
        return 0.0 if statistics is None or statistics.channels == 1 else found.shared

    def _small_sets(self, step: Step) -> None:
        """Couple the channels of a small set in the stages that end at its normaliser, in the part that comes this way."""
        statistics = step.node.layer.statistics(step.below.channels, self.samples)
        if statistics is None or (statistics.batch and not self.ctx.through):
            return
        coupled = coupled_channels(step.below, statistics, rectified=True)
        for stage, part in self.under:
            if stage.freedom is not None:
                whole = 1.0 + (coupled - 1.0) * part**2
                stage.freedom = stage.freedom._replace(batch_mean=stage.freedom.batch_mean / whole)

    def _sum(self, kernel: Kernel, gradient: Gradient, kept: Shares, *, fixed: float = 0.0) -> None:
        """Note how far norms and overlaps of Gaussian values vary, of which old values keep the shares ``kept``.

        The activations above, which all see it, add only what they do at a fixed norm and overlap. Old values of shares k
        of the variance and x of the covariance keep k^2 of the norm's variance and k x of the overlap's; values above orthogonal
        weights vary by ``fixed`` less.
        """
        once = overlap(kernel, self.samples) / kernel.channels
        for source in self.fluid:
            source.stream, source.depth, source.from_below = self.stream, self.depth, 1.0
            law, own = source.law, 2.0 * source.law.overlap_own / kernel.channels
            passed = source.loose * law.overlap_slope**2 * once + law.overlap_own * own
            source.overlap = max(source.overlap - passed, 0.0)
            source.overlap_norm -= law.norm_slope * own
        self.fluid, self.parted = [], False
        once *= 1.0 - fixed
        fresh = (1.0 - float(kept.complement @ kept.complement)) * (1.0 - fixed)
        if fresh > 0.0:
            norms = self._count(kernel, gradient, LINEAR).norms / fresh
            self._add(VarianceSource(LINEAR, norms, overlap=once * (1.0 - float(kept.complement @ kept.coherent))))

    def _add(self, source: VarianceSource) -> None:
        source.own = self.own.share
        self.found.sources.append(source)
        self.way.append(source)
        if source.loose:
            self.latest = [*self.latest, source]

    def _pull_arms(self, step: Step) -> None:
        """Take the arms of the fork above apart through one more layer; what has met masks is what is left."""
        if self.fork is None:
            return
        masked = [bool(gradient.passed) for gradient in self.single]
        last = self.gradient.passed[-1] if self.gradient.passed else None
        entered = last is not None and last.level is last.top and masked.count(False) == 1
        alone = [
            None
            if seen
            else Gradient(last.sums)  # what has met its first mask here is kept apart already
            if entered and last is not None
            else Gradient(step.pull(Gradient(gradient.delta, masked=gradient.masked))[0].delta)
            for gradient, seen in zip(self.single, masked, strict=True)
        ]
        rest = reduce(Sums.plus, (each.delta.scaled(-1.0) for each in alone if each is not None), self.gradient.delta)
        share = Gradient(rest.scaled(1.0 / max(sum(masked), 1)))
        self.single = [share if each is None else each for each in alone]

    def _settle(self, kernel: Kernel, gradient: Gradient, law: Unit | None) -> DegreesOfFreedom:
        """Take the shares of the fork above; with the law of masks, count the stages that have waited for them."""
        if self.fork is not None:
            around = centred(kernel)
            shares = np.array([split(arm.delta.dot(around), self.samples) for arm in self.single])
            self.fork.flow = Shares(*(normed(column) for column in shares.T))
        numbers = DegreesOfFreedom(*(np.inf,) * 6)
        if law is not None:
            if law is not LINEAR or self.open:
                numbers = self._count(kernel, gradient, law)
            for stage in self.open:
                alone = self.fork is not None and stage.arm is not None and kernel.positions > 1
                stage.law = law.under_masks(stage.masks)
                if alone or stage.masks != 1.0:
                    own = self.single[stage.arm or 0] if alone else gradient
                    stage.freedom = self._count(kernel, own, stage.law)
                else:
                    stage.freedom = numbers
            self.open = []
        if self.fork is not None:
            self.fork, self.single = None, []
        return numbers

    def _count(self, kernel: Kernel, gradient: Gradient, law: Unit) -> DegreesOfFreedom:
        around, whole, gradient = coarse(centred(kernel), kernel, gradient, resolved=self.found.resolved)
        delta = gradient.delta
        same, cross = (Signal(delta.pair[COHERENT, k], delta.site[COHERENT, k]) for k in (SAME, CROSS))
        found = freedom(
            around,
            own_part(gradient, self.samples),
            same,
            cross,
            law,
            self.samples,
            absorbed=self.absorbed,
            whole=whole,
        )
        # one position is the least that there is
        least = np.array([1.0 / law.one, 1.0 / law.mean, 1.0 / law.mean, 1.0, 1.0, 1.0])
        return DegreesOfFreedom(*np.maximum(found, kernel.channels * least).tolist())
