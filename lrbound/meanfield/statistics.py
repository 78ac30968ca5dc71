"""Normalisers of every kind: what their statistics do to kernels, and to the gradients that run through them.

One class covers the literature: statistics over the batch or of each sample, over S channels and all positions, with or
without the mean, and a share alpha of the values that the statistics are taken from in the current step (cross-iteration
batch norm; 1 otherwise). See the theory of the normalisers, sections 1 and 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lrbound.errors import Refused
from lrbound.meanfield.class_operator import Classes, Operator, classes_of, stack
from lrbound.meanfield.gradient import Gradient, Share, Sums
from lrbound.meanfield.kernel import CROSS, SAME, diagonal, outer
from lrbound.meanfield.quadratic_form import Inverse, of_sample, over_batch

if TYPE_CHECKING:
    from lrbound.layers.base import Context, Pullback
    from lrbound.meanfield.kernel import Kernel
    from lrbound.meanfield.positions import Array
    from lrbound.meanfield.small_sets import Mixture

MANY_VALUES = 300.0
"""Effective values from which s^2 is as good as its mean, up to terms in 1/nu."""
FEW_VALUES = 5.0
"""Effective values below which measured networks lie up to 5 times above the mean that theory gives."""
SMALL_SET = 12
"""Channels a set up to which s^2 differs from set to set by what all its positions share."""


@dataclass(frozen=True)
class Statistics:
    """What mean and variance are taken over.

    Attributes
    ----------
    kind : str
        Name of the layer, for messages.
    channels : int
        S, the channels of a set.
    samples : float
        n, the batch size.
    batch : bool
        Whether the set runs over the batch, too.
    centred : bool
        Whether the mean is subtracted.
    window : int
        Iterations whose batches make up the statistics, the current one included.
    """

    kind: str
    channels: int
    samples: float
    batch: bool = False
    centred: bool = True
    window: int = 1

    @property
    def alpha(self) -> float:
        """Share of the current step in the statistics: only that has a gradient."""
        return 1.0 / self.window

    def share(self, *, all_steps: bool = False) -> Array:
        """Return the share of same and of cross pairs among the pairs of the samples in the statistics."""
        n = self.samples * (self.window if all_steps else 1)
        return np.array([1.0 / n, 1.0 - 1.0 / n])


@dataclass(frozen=True, eq=False)
class Normalised:
    """Values after normalisation.

    Attributes
    ----------
    classes : Classes
    rho : Operator
        Kernel of zhat, (same, cross).
    inverse : Inverse
    pair, site : ndarray
        rho, laid out as in :class:`~lrbound.meanfield.kernel.Kernel`.
    """

    classes: Classes
    rho: Operator
    inverse: Inverse
    pair: Array
    site: Array

    @property
    def on_site(self) -> Array:
        """rho(a, a), shape (2, r, c)."""
        return diagonal(self.pair) + self.site


def normaliser(
    kernel: Kernel,
    ctx: Context,
    statistics: Statistics,
    *,
    eps: float,
    gamma: float,
    beta: float = 0.0,
    learnable: tuple[bool, bool] = (True, True),
) -> tuple[Kernel, Pullback]:
    """Return the kernel of gamma zhat + beta, and the way back through the statistics.

    Parameters
    ----------
    learnable : (bool, bool)
        Whether gamma and beta are trained.
    """
    values = without_mean(kernel, ctx, statistics)
    zhat = normalise(values, statistics, eps, ctx)
    gamma2 = gamma**2
    out = kernel.becomes(gamma2 * zhat.pair + beta**2, gamma2 * zhat.site, mean=beta, gaussian=kernel.gaussian)
    through = ctx.through or not statistics.batch
    mixture = mixture_of(values, statistics) if through else None

    def pull(gradient: Gradient) -> tuple[Gradient, Share]:
        lean = lean_on(gradient, zhat, gamma2)
        product = gradient.delta.times(zhat.pair, zhat.on_site)
        if lean is not None:
            product = product.plus(lean)
        share = learnable[0] * product.total() + learnable[1] * gradient.delta.total()
        delta = zhat.classes.sums(gradient.delta)
        if through:
            delta = _projected(delta, product, lean, zhat, statistics)
            if mixture is not None:
                factor = mixture.factor(rectified=gradient.excess is not None)
                delta = delta + _constant(delta, zhat.classes, statistics).scaled(factor - 1.0)
        delta = delta.scaled(gamma2 * np.array(zhat.inverse))
        return Gradient(zhat.classes.unsums(delta)), Share(share[..., 0], share[..., 1])

    return out, pull


def lean_on(gradient: Gradient, zhat: Normalised, gamma2: float) -> Sums | None:
    """Return E[delta delta' zhat zhat'] - E[delta delta'] rho: what delta owes to zhat itself (Stein)."""
    if gradient.excess is None:
        return None
    # u = gamma zhat (+ a part independent of zhat): zhat leans on u by gamma rho_aa / Var u
    own = zhat.on_site[SAME]
    return gradient.excess().times(gamma2 * outer(own)[None], np.stack([gamma2 * own**2] * 2))


def without_mean(kernel: Kernel, ctx: Context, statistics: Statistics) -> Kernel:
    """Return the kernel without the mean that all channels share, if the normaliser subtracts it."""
    if kernel.parts:
        ctx.warn(f"{statistics.kind} on concatenated channels: all are taken to have the mean kernel of the parts")
    if kernel.gaussian:
        shift = kernel.mean**2
        return kernel.becomes(kernel.pair - shift, kernel.site) if statistics.centred and shift else kernel
    ctx.warn(
        f"{statistics.kind} on values that are not Gaussian (after an activation or dropout): they are taken as "
        "Gaussian of the same moments, which was not checked against networks"
    )
    if not statistics.centred or kernel.law is None:
        return kernel
    from lrbound.meanfield.law import mean

    return kernel.becomes(kernel.pair - outer(mean(kernel.law_here().values)), kernel.site)


def normalise(kernel: Kernel, statistics: Statistics, eps: float, ctx: Context) -> Normalised:
    """Return the kernel of zhat and E[1/s^2].

    The mean over a set of S channels takes 1/S of what the mean over positions (and samples) takes from one channel;
    v = tr f_S/P is what is left on average, and the participation number nu = (E Q)^2/(2 Var Q) of Q = M s^2 says how
    much it varies. Below 300 effective values the means are those over the law of Q.
    """
    classes = classes_of(kernel)
    raw = classes.operator(kernel.pair, kernel.site)
    centred = raw
    if statistics.centred:
        means = raw.mixed(statistics.share(all_steps=True)) if statistics.batch else raw
        centred = raw - classes.absorbed(means, 1.0, 1.0)
    s = float(statistics.channels)
    mean = (raw.scaled(s - 1.0) + centred).scaled(1.0 / s)
    traces = classes.trace(mean)
    variance = float(traces[SAME]) / classes.size
    if not variance > 1e-12 * float(classes.trace(raw)[SAME]) / classes.size:
        if eps == 0.0:
            raise Refused(f"{statistics.kind} with eps 0 on values that are equal in all of a set divides by zero")
        pair, site = classes.kernel(mean.scaled(1.0 / (variance + eps)))
        return Normalised(classes, mean.scaled(1.0 / eps), Inverse(1.0 / eps, 1.0 / eps), pair, site)
    freedom = _freedom(raw, centred, variance, classes, statistics, ctx)
    shrink = variance / (variance + eps)
    if freedom >= MANY_VALUES:
        rho = mean.scaled(1.0 / variance)
        same = 1.0 / (1.0 - 2.0 / freedom) / variance
        r = float(traces[CROSS] / traces[SAME])
        cross = same if statistics.batch else (1.0 + (1.5 + 0.5 * r * r) / freedom) / variance
        inverse = Inverse(same, cross)
    elif statistics.batch:
        rho, inverse = over_batch(((raw, s - 1.0), (centred, 1.0)), classes, statistics.samples * statistics.window)
    else:
        rho, inverse = of_sample(((raw, s - 1.0), (centred, 1.0)), classes, float(traces[CROSS] / traces[SAME]))
    rho = rho.scaled(shrink)
    pair, site = classes.kernel(rho)
    return Normalised(classes, rho, Inverse(shrink * inverse.same, shrink * inverse.cross), pair, site)


def _freedom(
    raw: Operator, centred: Operator, variance: float, classes: Classes, statistics: Statistics, ctx: Context
) -> float:
    """Return nu; refuse sets of which E[1/s^2] is infinite."""
    s, size = float(statistics.channels), classes.size
    squares = (s - 1.0) * classes.squares(raw) + classes.squares(centred)
    samples = statistics.samples * statistics.window if statistics.batch else 1.0
    moment = float(squares @ statistics.share(all_steps=True)) if statistics.batch else float(squares[SAME])
    freedom = (s * size * variance) ** 2 / moment if moment > 0.0 else np.inf
    most = samples * s * size - statistics.centred
    if most <= 2.0 or freedom <= 1.0 + 1e-9:
        raise Refused(
            f"{statistics.kind} over sets of {samples * s * size:g} values has at most 2 degrees of freedom: the mean "
            "of 1/variance over initialisations is infinite"
        )
    if freedom < FEW_VALUES and not statistics.batch:
        ctx.warn(
            f"{statistics.kind} over sets of {freedom:.2g} effective values: lambda_max varies widely between "
            "initialisations, and measured networks of this kind lie up to 5 times above its prediction"
        )
    return freedom


def _projected(delta: Operator, product: Sums, lean: Sums | None, zhat: Normalised, statistics: Statistics) -> Operator:
    """Return the kernel of delta - alpha mean(delta) - alpha zhat mean(delta zhat), sums over pairs of samples.

    B - alpha T1/M + alpha^2 T2/M^2 with T1 = rho B + B rho + rho (k(a) + k(b)) and T2 = S rho sum(Z) + 2 rho B rho +
    2 rho k rho; Z = E[delta delta' zhat zhat'] and k the sums over one end of Z - B rho. Then the means are taken off.
    """
    classes, alpha, s = zhat.classes, statistics.alpha, float(statistics.channels)
    if lean is None:
        k = np.zeros((*delta.rest.shape[:-1], delta.rest.shape[-1]))
    else:
        sums = lean.pair.sum(axis=(-3, -1))
        k = sums.reshape(*sums.shape[:-2], -1) / classes.counts
    total = product.pair.sum(axis=(-4, -3, -2, -1))
    once, twice = (_batch_terms if statistics.batch else _sample_terms)(delta, total, k, zhat, statistics)
    m = s * classes.size
    below = delta - once.scaled(alpha / m) + twice.scaled((alpha / m) ** 2)
    if not statistics.centred:
        return below
    if not statistics.batch:
        return below - classes.absorbed(below, alpha, s)
    share = statistics.share()
    return below - classes.absorbed(below.mixed(np.ones(2)), alpha, s).scaled(share)


def _sample_terms(
    delta: Operator, total: Array, k: Array, zhat: Normalised, statistics: Statistics
) -> tuple[Operator, Operator]:
    """Return T1 and T2 of statistics of one sample: each kind of pairs by itself."""
    classes, rho = zhat.classes, zhat.rho
    own = _both(rho.kind(SAME))
    left = own @ delta
    once = left + left.transpose() + classes.traces(rho.weighted(k))
    chain = rho.times_diagonal(k) @ own
    twice = classes.traces(rho).scaled(statistics.channels * total) + left @ own + rho @ delta @ rho
    return once, twice + classes.traces(chain + chain.transpose())


def _batch_terms(
    delta: Operator, total: Array, k: Array, zhat: Normalised, statistics: Statistics
) -> tuple[Operator, Operator]:
    """Return T1/n and T2/n^2 of statistics over the batch, which couple the two kinds of pairs."""
    classes, rho, share = zhat.classes, zhat.rho, statistics.share()
    t = float(share[SAME])
    k = k.sum(axis=-2, keepdims=True)
    along = total.sum(axis=-1, keepdims=True)
    one, other = rho.kind(SAME), rho.kind(CROSS)

    def left(b: Operator) -> Operator:
        same, cross = b.kind(SAME), b.kind(CROSS)
        return stack(
            (
                (one @ same + other @ cross).scaled(t),
                (one @ cross).scaled(t) + (other @ same).scaled(1.0 - t) + (other @ cross).scaled(1.0 - 2.0 * t),
            )
        )

    product = left(delta)
    once = product + product.transpose() + classes.traces(rho.weighted(k)).scaled(share)
    twice = classes.traces(rho).scaled(statistics.channels * along * share)
    twice = twice + left(product.transpose()).scaled(2.0)
    a, b = one.times_diagonal(k[..., 0, :]), other.times_diagonal(k[..., 0, :])
    mixed = a @ other
    chain = stack(
        (
            (a @ one).scaled(t * t) + (b @ other).scaled(t * (1.0 - t)),
            ((mixed + mixed.transpose()).scaled(t) + (b @ other).scaled(1.0 - 2.0 * t)).scaled(1.0 - t),
        )
    )
    return once, twice + classes.traces(chain).scaled(2.0)


def _both(operator: Operator) -> Operator:
    return Operator(operator.matrix[None], operator.rest[None])


def _constant(delta: Operator, classes: Classes, statistics: Statistics) -> Operator:
    """Return the part of B that is equal at all positions (and in all samples)."""
    if statistics.batch:
        return classes.constant_part(delta.mixed(np.ones(2))).scaled(statistics.share())
    return classes.constant_part(delta)


def mixture_of(kernel: Kernel, statistics: Statistics) -> Mixture | None:
    """Return the mixture over small sets; None where all positions of a set have little in common."""
    s = statistics.channels
    if not 2 <= s <= SMALL_SET or not (statistics.batch or kernel.positions > 1):
        return None
    classes = classes_of(kernel)
    raw = classes.operator(kernel.pair, kernel.site)
    averages = classes.average(raw)
    common = float(averages @ statistics.share(all_steps=True)) if statistics.batch else float(averages[SAME])
    own = float(classes.trace(raw)[SAME]) / classes.size - common
    if not (common > 0.0 and own > 0.0):
        return None
    from lrbound.meanfield.small_sets import Mixture

    return Mixture(s, common, own)
