"""Statistics of normalisers of every kind, and what scaling by them does to kernels.

One class covers the literature: statistics over the batch or of each sample, over S channels and all positions, with or
without the mean, and a share alpha of the values that the statistics are taken from in the current step
(cross-iteration batch norm; 1 otherwise). See lrbound/theory/normalisers.md, sections 1 and 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from lrbound.errors import Refused
from lrbound.meanfield.class_operator import Classes, Operator, classes_of
from lrbound.meanfield.kernel import CROSS, SAME, diagonal, outer
from lrbound.meanfield.quadratic_form import Inverse, of_sample, over_batch
from lrbound.notices import Notice

if TYPE_CHECKING:
    from lrbound.meanfield.contract import Context
    from lrbound.meanfield.kernel import Kernel
    from lrbound.meanfield.neighbours import Near
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
    every_position : bool
        Whether each position has statistics of its own, over channels alone.
    """

    kind: str
    channels: int
    samples: float
    batch: bool = False
    centred: bool = True
    window: int = 1
    every_position: bool = False

    def values_of_sample(self, positions: int) -> int:
        """Return how many values of one sample with so many positions a mean is taken over."""
        return self.channels * (1 if self.every_position else positions)

    @property
    def alpha(self) -> float:
        """Share of the current step in the statistics: only that has a gradient."""
        return 1.0 / self.window

    def share(self, *, all_steps: bool = False) -> Array:
        """Return the share of same and of cross pairs among the pairs of the samples in the statistics."""
        n = self.samples * (self.window if all_steps else 1)
        return np.array([1.0 / n, 1.0 - 1.0 / n])

    @cached_property
    def spaces(self) -> tuple[Array, Array]:
        """The way from sums over (same, cross) pairs to n times the values in and apart from the batch mean; and back."""
        own, across = self.share()
        there = np.array([[1.0, 1.0], [1.0, -own / across if across > 0.0 else 0.0]])
        return there, np.array([[own, across], [across, -across]])


@dataclass(frozen=True, eq=False)
class Normalised:
    """Values after normalisation.

    Attributes
    ----------
    statistics : Statistics
    classes : Classes
    rho : Operator
        Kernel of zhat, (same, cross).
    inverse : Inverse
    pair, site : ndarray
        rho, laid out as in :class:`~lrbound.meanfield.kernel.Kernel`.
    near : Near or None
        What rho has in addition to its class pairs at neighbouring positions.
    """

    statistics: Statistics
    classes: Classes
    rho: Operator
    inverse: Inverse
    pair: Array
    site: Array
    near: Near | None = None

    @cached_property
    def on_site(self) -> Array:
        """rho(a, a), shape (2, r, c)."""
        return diagonal(self.pair) + self.site

    @cached_property
    def spaces(self) -> Operator:
        """rho/n in the mean over the batch, and apart from it."""
        return self.rho.scaled(self.statistics.share()).combined(self.statistics.spaces[0])

    def times(self, other: Operator) -> Operator:
        """Return the products with ``spaces``; apart from the mean it is diagonal where both kinds share their pairs."""
        r = self.spaces
        if len(self.pair) > 1 or self.near is not None:
            return r @ other
        matrix = np.empty_like(other.matrix)
        np.matmul(r.matrix[0], other.matrix[..., 0, :, :], out=matrix[..., 0, :, :])
        np.multiply(np.diagonal(r.matrix[1])[:, None], other.matrix[..., 1, :, :], out=matrix[..., 1, :, :])
        return Operator(matrix, r.rest * other.rest)


def without_mean(kernel: Kernel, ctx: Context, statistics: Statistics) -> Kernel:
    """Return the kernel without the mean that all channels share, if the normaliser subtracts it."""
    if kernel.parts:
        ctx.warn(
            Notice(
                "LRB035", f"{statistics.kind} on concatenated channels: all are taken to have the parts' mean kernel"
            )
        )
    if kernel.gaussian:
        shift = kernel.mean**2
        if not (statistics.centred and shift):
            return kernel
        return kernel.becomes(kernel.pair - shift, kernel.site, near=kernel.near)
    if not statistics.centred or kernel.law is None:
        return kernel
    from lrbound.meanfield.law import mean

    return kernel.becomes(kernel.pair - outer(mean(kernel.law_here().values)), kernel.site, near=kernel.near)


def normalise(kernel: Kernel, statistics: Statistics, eps: float, ctx: Context) -> Normalised:
    """Return the kernel of zhat and E[1/s^2].

    The mean over a set of S channels takes 1/S of what the mean over positions (and samples) takes from one channel;
    v = tr f_S/P is what is left on average, and the participation number nu = (E Q)^2/(2 Var Q) of Q = M s^2 says how
    much it varies. Below 300 effective values the means are those over the law of Q.
    """
    classes = classes_of(kernel)
    even = kernel.even
    raw = classes.operator(even.pair, even.site)
    centred = raw
    if statistics.centred:
        means = raw.mixed(statistics.share(all_steps=True)) if statistics.batch else raw
        centred = raw - classes.absorbed(means, 1.0, 1.0)
    s = float(statistics.channels)
    mean = (raw.scaled(s - 1.0) + centred).scaled(1.0 / s)
    most = _most(classes, statistics)
    traces = classes.trace(mean)
    variance = float(traces[SAME]) / classes.size
    if not variance > 1e-12 * float(classes.trace(raw)[SAME]) / classes.size:
        if eps == 0.0:
            raise Refused(f"{statistics.kind} with eps 0 on values that are equal in all of a set divides by zero")
        found = classes.kernel(mean.scaled(1.0 / (variance + eps)))
        moments = _gathered(kernel, *found, over_batch=statistics.batch)
        return Normalised(statistics, classes, mean.scaled(1.0 / eps), Inverse(1.0 / eps, 1.0 / eps), *moments)
    squares = (s - 1.0) * classes.squares(raw) + classes.squares(centred)
    freedom = _freedom(squares + s * _surplus(kernel), variance, classes, statistics)
    _check(freedom, classes, statistics, ctx)
    shrink = variance / (variance + eps)
    # with equal eigenvalues nu/(nu-2) is exact, and zhat is as correlated as z
    exact = statistics.batch and freedom > (1.0 - 1e-9) * most
    if freedom >= MANY_VALUES or exact:
        rho = mean.scaled(1.0 / variance)
        same = 1.0 / (1.0 - 2.0 / freedom) / variance
        r = float(traces[CROSS] / traces[SAME])
        cross = same if statistics.batch else (1.0 + (1.5 + 0.5 * r * r) / freedom) / variance
        inverse = Inverse(same, cross)
    elif statistics.batch:
        rho, inverse = over_batch(((raw, s - 1.0), (centred, 1.0)), classes, statistics.samples * statistics.window)
    else:
        rho, inverse = of_sample(((raw, s - 1.0), (centred, 1.0)), classes, float(traces[CROSS] / traces[SAME]))
    if freedom < MANY_VALUES and kernel.near is not None:
        # spread over their classes, neighbours leave more values than there are: to leading order in 1/nu
        spread = _freedom(squares, variance, classes, statistics)
        gain = (1.0 - 2.0 / spread) / (1.0 - 2.0 / freedom)
        inverse = Inverse(inverse.same * gain, inverse.cross * gain ** (1.0 if statistics.batch else 0.75))
    rho = rho.scaled(shrink)
    moments = _gathered(kernel, *classes.kernel(rho), over_batch=statistics.batch)
    return Normalised(statistics, classes, rho, Inverse(shrink * inverse.same, shrink * inverse.cross), *moments)


def _surplus(kernel: Kernel) -> Array | float:
    """Return what neighbours add to the sums of squares over the pairs of positions."""
    if kernel.near is None:
        return 0.0
    from lrbound.meanfield.neighbours import surplus

    return surplus(kernel)


def _gathered(kernel: Kernel, pair: Array, site: Array, *, over_batch: bool) -> tuple[Array, Array, Near | None]:
    """Return normalised moments with those of neighbours again, where the kernel has any."""
    if kernel.near is None:
        return pair, site, None
    from lrbound.meanfield.neighbours import gathered

    return gathered(kernel, pair, site, over_batch=over_batch)


def _most(classes: Classes, statistics: Statistics) -> float:
    """Return the most that nu can be."""
    samples = statistics.samples * statistics.window if statistics.batch else 1.0
    values = samples * statistics.channels * classes.size
    if values - statistics.centred <= 2.0:
        raise Refused(_infinite_mean(statistics, values, classes.size))
    return values - statistics.centred


def _infinite_mean(statistics: Statistics, values: float, positions: float) -> str:
    what = f"sets of {values:g} values"
    if statistics.batch and statistics.channels == 1:
        what = f"{statistics.samples:g} sample" + ("s" if statistics.samples != 1 else "")
        what += "" if positions == 1.0 else f" at {positions:g} positions"
    return (
        f"{statistics.kind} over {what} has at most 2 degrees of freedom: the mean of 1/variance over initialisations "
        "is infinite" + ("; use a larger batch" if statistics.batch else "")
    )


def _freedom(squares: Array, variance: float, classes: Classes, statistics: Statistics) -> float:
    """Return nu from the sums of S^2 and of X^2 over the pairs of positions."""
    s = float(statistics.channels)
    moment = float(squares @ statistics.share(all_steps=True)) if statistics.batch else float(squares[SAME])
    return (s * classes.size * variance) ** 2 / moment if moment > 0.0 else np.inf


def _check(freedom: float, classes: Classes, statistics: Statistics, ctx: Context) -> None:
    """Refuse sets of which E[1/s^2] is infinite, and warn of those where it is hardly known."""
    if freedom <= 1.0 + 1e-9:
        raise Refused(_infinite_mean(statistics, freedom, classes.size))
    if freedom < FEW_VALUES and not statistics.batch:
        text = f"{statistics.kind} over {freedom:.2g} effective values: measured networks were up to 5 times above"
        ctx.warn(Notice("LRB028", text))


def mixture_of(kernel: Kernel, statistics: Statistics) -> Mixture | None:
    """Return the mixture over small sets; None where all positions of a set have little in common."""
    s = statistics.channels
    if not 2 <= s <= SMALL_SET or not (statistics.batch or kernel.positions > 1):
        return None
    classes = classes_of(kernel)
    even = kernel.even
    raw = classes.operator(even.pair, even.site)
    averages = classes.average(raw)
    common = float(averages @ statistics.share(all_steps=True)) if statistics.batch else float(averages[SAME])
    own = float(classes.trace(raw)[SAME]) / classes.size - common
    if not (common > 0.0 and own > 0.0):
        return None
    from lrbound.meanfield.small_sets import Mixture

    return Mixture(s, common, own)
