"""Gates of whole channels (squeeze and excite): how far they set the samples of a batch apart.

A gate multiplies channel c of a sample by g_c = g(l_c), g a sigmoid or its straight pieces, and l = W2 h sums over I squeezed
units h = phi(a), a = W1 m, m the means of the channels over the positions. All channels of a sample and all positions see the
same few h, so that what h does in a sample does not average out over the width. Given the h of two samples their logits are Gaussian, with

    V = sw2 |h|^2/I,   C = sw2 <h, h'>/I   (and sb2 on both),

and the sample's gain and its squared distance from the batch's mean, S and X those of the values u that are gated, are

    G = E g^2,   T = S E g^2 - 2 X E g g' + X E g' g'',    means over the channels.

**VarianceSource.** To first order in what V and C differ from their means by, with h' averaged over the batch to hb_j, T moves by the
sum over the squeezed units of (sw2/I) [(S G_V - 2 X H_V) h_j^2 - 2 X H_C h_j hb_j], G by that of (sw2/I) G_V h_j^2, with

    G_V = E g'^2 + g g'',   H_V = E g''(l) g(l')/2,   H_C = E g'(l) g'(l')

(Price's theorem), derivatives by the logit. Each unit adds its variance at given hb_j. Beside it stands what finitely many
channels add at given V and C: their mean of S g_c^2 - 2 X g_c gb_c, and that of g_c^2.

**Slopes.** A sample whose values below the activation are further from the batch's mean has larger m, and opens and closes its
gates wider: T grows faster than its norm, and G grows. Where a sample's own part is t times as large, T changes to first order as
S - X does when that of all samples is, because X of two samples has an end in either. So both slopes are logarithmic
derivatives of the solver's own maps, from the nearest Gaussian values below the gate up: of S - X for the norm, and for the gain
of what a gradient keeps of itself on its way down, which also runs through the gate to all positions at once.

Status: derived, to first order in the variation of V; with few squeezed units V varies by its own size, sigmoids saturate, and
spread and slopes are smaller. Left out: that the part of a gradient that runs through I squeezed units varies by itself, a part
of the gain of the order of its share squared; and that norms and gains vary together, which raises the mean over samples (see
localized).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lrbound.backward.dof import Signal
from lrbound.backward.measures import TRACE, between, own_part, probe, varying
from lrbound.backward.norm_transfer import NONE, NormTransfer
from lrbound.forward.roles import weighted
from lrbound.init import Fans
from lrbound.meanfield.gradient import Gradient, Sums
from lrbound.meanfield.kernel import SAME, Kernel
from lrbound.meanfield.merge import in_one_class
from lrbound.meanfield.normal import trapezoid

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lrbound.forward.sweep import Step
    from lrbound.layers.squeeze_excite import SqueezeExcite
    from lrbound.meanfield.contract import Context
    from lrbound.meanfield.positions import Array

STEP = 0.01
"""Relative step of the derivatives, taken to both sides: their error is of its square."""
FLAT = 1e-12
"""Variance of logits below which a gate is a constant."""


def gate(layer: SqueezeExcite, kernel: Kernel, lower: Iterable[Step], gradient: Gradient, ctx: Context) -> NormTransfer:
    """Return what a gate adds.

    Parameters
    ----------
    layer : SqueezeExcite
    kernel : Kernel
        Of the values that it gates.
    lower : iterable of Step
        The layers below it, from the one next to it down.
    gradient : Gradient
        At its output.
    ctx : Context
    """
    if not varying(kernel) > 0.0:
        return NONE
    below = _since_gaussian(lower)
    norm_slope, gain_slope = _slopes(layer, kernel, below, gradient, ctx)
    return NormTransfer(*_spread(layer, kernel, ctx), norm_slope, gain_slope)


# --- VarianceSource ----------------------------------------------------------------------------------------------------------


class _Nodes(NamedTuple):
    """Values sqrt(x) m + sqrt(q - x) z: m shared by the batch (first axis), z a sample's own.

    Attributes
    ----------
    values : ndarray
        By m and z.
    z : ndarray
    shared, own : ndarray
        Weights of m and of z.
    variance, apart : float
        q and q - x.
    """

    values: Array
    z: Array
    shared: Array
    own: Array
    variance: float
    apart: float

    def given(self, f: Array) -> Array:
        """Return the mean over z, shape (m, 1)."""
        mean: Array = (f @ self.own)[:, None]
        return mean

    def mean(self, f: Array) -> float:
        """Return the mean over m, and over z where ``f`` depends on it."""
        return float(self.shared @ (f if f.shape[1] == 1 else self.given(f))[:, 0])

    def covariance(self, f: Array, g: Array) -> float:
        """Return the mean over m of the covariance over z."""
        return self.mean(f * g) - self.mean(self.given(f) * self.given(g))


def _nodes(kernel: Kernel) -> _Nodes:
    q, x = kernel.averages()
    x = min(max(x, 0.0), q)
    (m, shared), (z, own) = trapezoid(5.0, 41), trapezoid(7.0, 280)
    return _Nodes(np.sqrt(x) * m[:, None] + np.sqrt(q - x) * z, z, shared, own, q, q - x)


def _spread(layer: SqueezeExcite, kernel: Kernel, ctx: Context) -> tuple[float, float, float]:
    """Return the relative variances of T and G, and their covariance."""
    nodes = layer.chain(kernel.channels)
    kernels = [kernel]
    for node in nodes:
        kernels.append(node.layer.forward(kernels[-1], ctx)[0])
    _, _, inside, _, logits, gates = kernels
    units, channels = _nodes(inside), _nodes(logits)

    s, x = kernel.averages()
    g2, gg = gates.averages()
    t = s * g2 - x * gg
    curve, phi = (nodes[at].layer.curve for at in (4, 2))
    assert curve is not None
    assert phi is not None
    g, slope = curve.value(channels.values), curve.slope(channels.values)
    # second derivatives by Stein's lemma, for gates that have kinks
    g_v = channels.mean(channels.values * g * slope) / max(channels.variance, FLAT)
    bend = channels.given(channels.z * slope) / np.sqrt(max(channels.apart, FLAT))
    h_v = 0.5 * channels.mean(bend * channels.given(g))
    h_c = channels.mean(channels.given(slope) ** 2)

    h = phi.value(units.values)
    scale = (layer.inits[1] or ctx.init).sigma_w2(Fans(inside.channels, kernel.channels, kernel.channels))
    few_t = scale * ((s * g_v - 2.0 * x * h_v) * h**2 - 2.0 * x * h_c * h * units.given(h))
    few_g = scale * g_v * h**2
    many_t, many_g = s * g**2 - 2.0 * x * g * channels.given(g), g**2

    def variance(few: tuple[Array, Array], many: tuple[Array, Array]) -> float:
        return units.covariance(*few) / inside.channels + channels.covariance(*many) / kernel.channels

    return (
        variance((few_t, few_t), (many_t, many_t)) / t**2,
        variance((few_g, few_g), (many_g, many_g)) / g2**2,
        variance((few_t, few_g), (many_t, many_g)) / (t * g2),
    )


# --- Slopes ----------------------------------------------------------------------------------------------------------


def _slopes(
    layer: SqueezeExcite, kernel: Kernel, below: list[Step], gradient: Gradient, ctx: Context
) -> tuple[float, float]:
    """Return d ln T and d ln G / d ln (S - X), all of them by the own part of the nearest Gaussian values below."""
    part, start = own_part(gradient, ctx.samples), below[0].below if below else kernel
    own = probe(part, gradient, ctx.samples)
    if all(_places(step.below) == _places(kernel) for step in below):
        # quotients of averages over the positions are those of a map whose positions are all alike
        start, kernel = in_one_class(start), in_one_class(kernel)
        whole = Signal(part.pair.sum(keepdims=True), part.site.sum(keepdims=True))
        own = probe(whole, Gradient(Sums(*whole), masked=gradient.masked), ctx.samples)

    def logarithms(factor: float) -> Array:
        values = _wider(start, factor)
        for step in below:
            values, _ = step.node.layer.forward(values, ctx)
        gated, pull = layer.forward(values, ctx)
        delta = pull(own)[0].delta
        kept = Signal(delta.pair[TRACE, SAME], delta.site[TRACE, SAME])
        return np.log([varying(values), varying(gated), between(kept, kernel)])

    norm, gated, gain = (logarithms(1.0 + STEP) - logarithms(1.0 - STEP)).tolist()
    return gated / norm, gain / norm


def _places(kernel: Kernel) -> tuple[tuple[int, ...], ...]:
    return kernel.rows.classes, kernel.cols.classes


def _wider(kernel: Kernel, factor: float) -> Kernel:
    """Return the kernel with the part of S that X does not have ``factor`` times as large."""

    def own(values: Array, axis: int) -> Array:
        x = values.take([-1], axis)
        grown: Array = x + (values - x) * factor
        return grown

    near = kernel.near
    return replace(
        kernel,
        pair=own(kernel.pair, -5),
        site=own(kernel.site, -3),
        near=None if near is None else replace(near, values=own(near.values, -3)),
    )


def _since_gaussian(lower: Iterable[Step]) -> list[Step]:
    """Return the layers from the nearest Gaussian values on, in the order in which they run; none if they are not known."""
    below: list[Step] = []
    for step in lower:
        if weighted(step.node.layer) or step.node.layer.fixes_scale:
            break
        below.insert(0, step)
    gaussian = bool(below) and below[0].below.gaussian and not below[0].below.parts
    return below if gaussian else []
