"""Finite fan-in: kernels between samples vary from pair to pair, and activations bend.

At infinite width the kernel K(xa, yb) between two samples is one number. The mean of C products of a unit in x with the
same unit in y differs from it from pair to pair, by a variance that is here written v D_a D_b with D = S - X, the part of
the values that differs between samples. An activation bends, so that its mean moves:

    E phi phi' -> E phi phi' + e v D_a D_b/2 E phi'' phi'''              (primes after phi: the two samples)

for two samples, and for two positions of one. The variance starts as v = 1/C at the input. Weights average it over the
offsets of a filter, v -> pe v with pe = sum K_dd'^2/(sum K_dd)^2 over pairs of offsets of S - X; pools leave it; an activation
passes lin^2 = (E phi' phi'' D_u/D_h)^2 of it on and adds (1 + c)^2/C, c = X/S, the variance of a correlation of C
Gaussians. Uniform weights have a fourth cumulant of -1.2: 0.6/fan_in less than v, (S/D)^2 of it. e is 1 - 1/S for sets of
S > 1 channels, 1 - 1/k for statistics of single channels over k batches: they scale each unit by its own variance,
which takes the effect back exactly for batch and instance norm. (lrbound/theory/normalisers.md, section 6: r is this
for proxies, where it is the whole coherent part of a net without biases.)

Masks also lean on the weights under them: mean over x of phi'(z_j) h_i has a part w_ji D E phi'' (Stein), which adds

    e v D_A D_u E phi'' phi'''/(E phi' phi'')

to the kernel A of two samples that the weights' coherent value sees (lrbound/theory/finite-conv.md, section 5).

Status: derived to first order in v, with (1 + c)^2 for the variance that a layer adds.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lrbound.forward.roles import weighted
from lrbound.forward.small_batch import on_sphere
from lrbound.forward.sweep import Correction, Fork
from lrbound.meanfield.activate import correlations
from lrbound.meanfield.kernel import CROSS, SAME, Kernel, diagonal, outer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrbound.forward.sweep import Chain, Step
    from lrbound.meanfield.contract import Context, Elementwise
    from lrbound.meanfield.gradient import Gradient
    from lrbound.meanfield.positions import Array, Axis, AxisWindow, Window

STEP = 0.05
"""Of the correlation, over which slopes are compared; bends are singular at 1, where D is 0."""


class Bend(NamedTuple):
    """E phi'' phi''' and E phi' phi'' by pairs of classes and at one position of two samples."""

    pair: Array
    cross: Array
    slope: Array
    slope_cross: Array


class FanIn(Correction):
    """The variance v on its way up.

    At a join of branches with parts w of S - X the fluctuations that they had in common at the fork, of amplitudes c, add
    up, and those that were added since are independent: v = v_fork (sum w c)^2 + sum w^2 (v - v_fork c^2).
    """

    def __init__(self, channels: int, ctx: Context) -> None:
        self.ctx = ctx
        self.variance = 1.0 / channels
        self.share = 1.0
        self.uniform = 0.0
        self.common = 1.0  # amplitude of what came in at the last fork

    def passed(self, step: Step, below: Chain) -> Step:
        """Pass a layer; return it with the kernel above it as it is in a finite network."""
        step = on_sphere(step, below, self.ctx)
        layer, kernel, above = step.node.layer, step.below, step.above
        statistics = layer.statistics(kernel.channels, self.ctx.samples)
        if weighted(layer):
            uniform = (layer.init or self.ctx.init).distribution == "uniform"
            self.weights(kernel, getattr(layer, "window", None), layer.fans(kernel.channels).fan_in, uniform=uniform)
        elif statistics is not None:
            self.normaliser(statistics.channels, statistics.alpha)
        elif layer.positions_to_units:
            self.flatten(kernel)
        elif layer.curve is not None and kernel.gaussian and not kernel.parts:
            above, lean = self.activation(layer.curve, kernel, above)
            if lean is not None:
                _note(below, lean)
        return step if above is step.above else step.above_is(above)

    def arm(self) -> FanIn:
        """Return what goes up one branch of a fork."""
        way = FanIn(1, self.ctx)
        way.variance, way.share, way.uniform = self.variance, self.share, self.uniform
        return way

    def joined(self, arms: Sequence[Correction], fork: Fork) -> None:
        """Go on above a join."""
        ways = [arm for arm in arms if isinstance(arm, FanIn)]
        parts = np.array([max(end.channels * _varying(end), 0.0) for end in fork.ends])
        parts = parts / max(float(parts.sum()), 1e-300)
        common, variance, share, uniform = (
            np.array([getattr(way, name) for way in ways]) for name in ("common", "variance", "share", "uniform")
        )
        fresh = np.maximum(variance - self.variance * common**2, 0.0)
        together = float(parts @ common)
        self.variance = self.variance * together**2 + float(parts**2 @ fresh)
        self.common *= together
        self.share, self.uniform = float(parts @ share), float(parts**2 @ uniform)

    def weights(self, kernel: Kernel, window: Window | None, fan_in: int, *, uniform: bool) -> None:
        """Pass a weight layer on values with this kernel."""
        self._averaged(1.0 if window is None else spread_over_offsets(kernel, window))
        ratio = kernel.averages()[0] / max(_varying(kernel), 1e-300)
        self.uniform = 0.6 / fan_in * ratio**2 if uniform else 0.0
        self.share = 1.0

    def flatten(self, kernel: Kernel) -> None:
        """Pass a sum over all positions."""
        one = _differing(kernel)
        square = float((one.pair**2 * kernel.pair_weights).sum())
        own = one.on_site[SAME]
        square += float(((own**2 - diagonal(one.pair)[0] ** 2) * kernel.weights).sum())
        self._averaged(square / max(float((own * kernel.weights).sum()), 1e-300) ** 2 if kernel.positions > 1 else 1.0)

    def _averaged(self, ratio: float) -> None:
        self.variance *= ratio
        self.common *= float(np.sqrt(ratio))

    def normaliser(self, channels: int, alpha: float) -> None:
        """Pass statistics over sets of so many channels, of which the current batch has the share ``alpha``."""
        self.share *= 1.0 - 1.0 / channels if channels > 1 else 1.0 - alpha

    def activation(self, curve: Elementwise, below: Kernel, above: Kernel) -> tuple[Kernel, Kernel | None]:
        """Pass an activation; return the kernel above it, and what the weights under it see more, per D_A."""
        spread = below.on_site[SAME] - below.on_site[CROSS]
        sd = np.sqrt(np.maximum(below.on_site[SAME] - below.mean**2, 0.0))
        between, across = correlations(below)
        cross = _second(curve, below.mean, sd, sd, across)
        out, lean = above, None
        if self.share * self.variance > 0.0:
            pair = _second(curve, below.mean, sd[None, :, None, :, None], sd[None, None, :, None, :], between)
            bend = Bend(pair[0], cross[0], pair[1], cross[1])
            out, lean = self._moved(bend, spread, above), self._lean(bend, below, spread)
        counts = below.weights / below.positions
        slope, before = (float((part * counts).sum()) for part in (cross[1], spread))
        after = _varying(out)
        passed = slope * before / after if after > 0.0 else 1.0
        q, x = out.averages()
        alike = max(x, 0.0) / q if q > 0.0 else 0.0
        self.variance = passed**2 * self.variance + (1.0 + alike) ** 2 / below.channels
        self.common *= passed
        return out, lean

    def _moved(self, bend: Bend, spread: Array, above: Kernel) -> Kernel:
        moved = self.share * max(self.variance - self.uniform, 0.0)
        if not moved > 0.0:
            return above
        pair = above.pair + 0.5 * moved * outer(spread) * bend.pair
        site = above.on_site.copy()
        site[CROSS] += 0.5 * moved * spread**2 * bend.cross
        return replace(above, pair=pair, site=site - diagonal(pair))

    def _lean(self, bend: Bend, below: Kernel, spread: Array) -> Kernel:
        weight = self.share * self.variance
        root = np.sqrt(outer(spread))
        pair = weight * root * np.divide(bend.pair, bend.slope, out=np.zeros_like(bend.pair), where=bend.slope > 0.0)
        cross = (
            weight
            * spread
            * np.divide(bend.cross, bend.slope_cross, out=np.zeros_like(bend.cross), where=bend.slope_cross > 0.0)
        )
        both = np.stack([np.zeros_like(pair[-1]), pair[-1]])
        site = np.stack([np.zeros_like(cross), cross - diagonal(pair)[-1]])
        return below.becomes(both, site)


def leaning(step: Step, above: Gradient, ctx: Context) -> float:
    """Return what masks that lean on these weights add to their coherent value."""
    layer = step.node.layer
    if step.lean is None or not weighted(layer):
        return 0.0
    variance = (layer.init or ctx.init).variance(layer.fans(step.below.channels))
    scale = 1.0 / variance if variance > 0.0 else 0.0
    spread = np.sqrt(np.maximum(step.above.on_site[SAME] - step.above.on_site[CROSS], 0.0))
    kernel = step.lean.becomes(step.lean.pair * outer(spread), step.lean.site * spread**2)
    return scale * float(above.delta.dot(kernel).coherent)


def _note(below: Chain, lean: Kernel) -> None:
    """Note on the weight layers under an activation what it adds to the kernel that their coherent value sees."""
    for at in range(len(below) - 1, -1, -1):
        step = below[at]
        if isinstance(step, Fork):
            for chain in step.chains:
                _note(chain, lean)
            return
        if weighted(step.node.layer):
            if (lean.rows, lean.cols) == (step.above.rows, step.above.cols):
                below[at] = step._replace(lean=lean)
            return


def _varying(kernel: Kernel) -> float:
    q, x = kernel.averages()
    return q - x


def _differing(kernel: Kernel) -> Kernel:
    """Return S - X in both places."""
    both = np.broadcast_to(kernel.pair, (2, *kernel.pair.shape[1:]))
    pair = both[SAME] - both[CROSS]
    site = kernel.site[SAME] - kernel.site[CROSS]
    return kernel.becomes(pair[None], np.stack([site, site]))


def _second(curve: Elementwise, mean: float, one: Array, other: Array, rho: Array) -> tuple[Array, Array]:
    """Return E phi'' phi''' = d E phi' phi''/d covariance, and E phi' phi''."""
    ends = [np.clip(rho + step, -1.0, 1.0) for step in (-STEP, STEP)]
    slopes = [curve.slopes(mean, one, other, end) for end in ends]
    width = (ends[1] - ends[0]) * one * other
    bend: Array = np.divide(slopes[1] - slopes[0], width, out=np.zeros_like(width), where=width > 0.0)
    return bend, 0.5 * (slopes[0] + slopes[1])


def spread_over_offsets(kernel: Kernel, window: Window) -> float:
    """Return pe = sum K_dd'^2/(sum K_dd)^2, K_dd' the mean over places of S - X between two offsets of the filter."""
    one = _differing(kernel)
    (rows, r), (cols, c) = _places(kernel.rows, window.rows), _places(kernel.cols, window.cols)
    padded = np.zeros(tuple(size + 1 for size in one.pair.shape[1:]))
    padded[:-1, :-1, :-1, :-1] = one.pair[0]
    own = np.zeros(tuple(size + 1 for size in one.site.shape[1:]))
    own[:-1, :-1] = one.site[SAME]
    pairs = padded[
        rows[:, None, :, None, None, None],
        rows[:, None, None, None, :, None],
        cols[None, :, None, :, None, None],
        cols[None, :, None, None, None, :],
    ]
    pairs = np.tensordot(np.outer(r, c), pairs, 2)
    matrix = pairs.reshape(window.size, window.size)
    site = np.tensordot(np.outer(r, c), own[rows[:, None, :, None], cols[None, :, None, :]], 2).ravel()
    matrix = matrix + np.diag(site)
    trace = float(np.trace(matrix))
    return float((matrix**2).sum()) / trace**2 if trace > 0.0 else 1.0


@lru_cache(maxsize=256)
def _places(axis: Axis, window: AxisWindow) -> tuple[Array, Array]:
    """Return the classes under the taps at the places that differ, shape (places, kernel), and the parts of all places that are so.

    The class is one beyond the last outside the image.
    """
    taps = window.taps(axis.size)
    classes = np.asarray(axis.classes)
    found, counts = np.unique(np.where(taps < 0, len(axis.counts), classes[taps]), axis=0, return_counts=True)
    return found, counts / counts.sum()
