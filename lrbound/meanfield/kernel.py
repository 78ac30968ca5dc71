"""Forward kernels: second moments of a layer's units, between positions and between samples.

Symbols (lrbound/theory/mean-field.md, sections 1 and 4): S(a, b) = E[h_a(x) h_b(x)] at positions a, b of one sample and
X(a, b) = E[h_a(x) h_b(y)] of two samples, averaged over the channels. On classes of positions both split into a part
that depends on the two classes alone and a part that lives on the diagonal a = b:

    S(a, b) = pair(class a, class b) + [a = b] site_S(class a),      X alike with site_X.

The split is exact for white input (see :mod:`lrbound.meanfield.positions`). Above pools whose windows overlap there is a
third part, of neighbouring positions (:mod:`lrbound.meanfield.neighbours`). Flat features are a map of one position.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lrbound.meanfield.positions import POINT, Array, Axis, uniform

if TYPE_CHECKING:
    from collections.abc import Callable

    from lrbound.meanfield.contract import Activating
    from lrbound.meanfield.few_inputs import FewInputs
    from lrbound.meanfield.neighbours import Near
    from lrbound.meanfield.stream import Law

SAME, CROSS = 0, 1


class Cumulants(NamedTuple):
    """Skewness and excess kurtosis of a unit over samples and positions."""

    skewness: float
    kurtosis: float


NORMAL = Cumulants(0.0, 0.0)


@dataclass(frozen=True, eq=False)
class Kernel:
    """Second moments of the units at one place of the network.

    Attributes
    ----------
    channels : int
        Channels, or features where there is one position.
    rows, cols : Axis
        Classes of positions.
    pair : ndarray (..., k, r, r, c, c)
        Class-pair part, k = 2 for (same, cross), or 1 where both share it; r and c classes of rows and columns.
    site : ndarray (..., 2, r, c)
        Diagonal part, (same, cross).
    mean : float
        Mean over units of the value itself, where it is not 0: the shift of a normaliser. Moments include it.
    gaussian : bool
        Whether the units are Gaussian over the draw of the weights, as an activation assumes.
    law : callable or None
        Gives the law of units that are not Gaussian, for a residual stream; a function, since few layers ask for it.
    middle : callable or None
        Gives the mean over units of values that are not Gaussian, above an activation whose law is not tracked.
    parts : tuple of Kernel
        Where the channels are a concatenation of kinds that differ in law: the kernel of each kind. Only normalisers
        and activations look at them.
    near : Near or None
        What S and X have beside the class pairs at neighbouring positions; None in nets without overlapping pools.
    few : FewInputs or None
        What units of few inputs have beside (:mod:`lrbound.meanfield.few_inputs`); None where a unit sees all channels.
    cumulants : Cumulants
        Of the values of a unit over samples and positions, where it is known that they are not Gaussian.
    under : (Kernel, activation) or None
        Right above an activation of Gaussian values: their kernel, and the function, for a max pool.
    """

    channels: int
    rows: Axis
    cols: Axis
    pair: Array
    site: Array
    mean: float = 0.0
    gaussian: bool = True
    law: Callable[[], Law] | None = None
    middle: Callable[[], float] | None = None
    parts: tuple[Kernel, ...] = ()
    near: Near | None = None
    few: FewInputs | None = None
    cumulants: Cumulants = NORMAL
    under: tuple[Kernel, Activating] | None = None

    def law_here(self) -> Law:
        """Return the law of the units; ValueError where none is known."""
        if self.law is None:
            raise ValueError("the law of these units is not known")
        return self.law()

    @property
    def positions(self) -> int:
        """Number P of positions."""
        return self.rows.size * self.cols.size

    @property
    def resolved(self) -> bool:
        """Whether every position is a class of its own."""
        return len(self.rows.counts) == self.rows.size and len(self.cols.counts) == self.cols.size

    def becomes(
        self,
        pair: Array,
        site: Array,
        *,
        mean: float = 0.0,
        gaussian: bool = True,
        law: Callable[[], Law] | None = None,
        middle: Callable[[], float] | None = None,
        near: Near | None = None,
        few: FewInputs | None = None,
        cumulants: Cumulants = NORMAL,
    ) -> Kernel:
        """Return a kernel of the same channels and positions with other moments."""
        return Kernel(
            self.channels,
            self.rows,
            self.cols,
            pair,
            site,
            mean,
            gaussian,
            law,
            middle,
            near=near,
            few=few,
            cumulants=cumulants,
        )

    @property
    def weights(self) -> Array:
        """Number of positions in each class, shape (r, c)."""
        return _weights(self.rows, self.cols)

    @property
    def pair_weights(self) -> Array:
        """Number of position pairs in each pair of classes, shape (r, r, c, c)."""
        return _pair_weights(self.rows, self.cols)

    @property
    def pairs_apart(self) -> Array:
        """Number of pairs of different positions in each pair of classes, shape (r, r, c, c)."""
        return _pairs_apart(self.rows, self.cols)

    @property
    def each_apart(self) -> Array:
        """1 over ``pairs_apart``, and 0 where there is no such pair."""
        return _each_apart(self.rows, self.cols)

    @cached_property
    def on_site(self) -> Array:
        """S(a, a) and X(a, a) by class, shape (..., 2, r, c)."""
        return diagonal(self.pair) + self.site

    @cached_property
    def even(self) -> Kernel:
        """The kernel with what neighbours share spread over their classes, for what knows class pairs alone."""
        return self if self.near is None else self.near.spread_evenly(self)

    def averages(self) -> tuple[float, float]:
        """Return q and q_xy: S(a, a) and X(a, a) averaged over positions."""
        return self._averages

    @cached_property
    def _averages(self) -> tuple[float, float]:
        on_site = self.on_site
        if on_site.size > 2:
            on_site = (on_site * self.weights).sum(axis=(-2, -1)) / self.positions
        q, q_xy = on_site.ravel().tolist()
        return q, q_xy


def centre(kernel: Kernel) -> Array | float:
    """Return the mean over units of the values, one number or by class (r, c); that of Gaussian ones where it is not known."""
    if kernel.gaussian:
        return kernel.mean
    if kernel.law is not None:
        from lrbound.meanfield.law import mean

        return mean(kernel.law_here().values)
    return kernel.middle() if kernel.middle is not None else kernel.mean


@lru_cache(maxsize=256)
def _weights(rows: Axis, cols: Axis) -> Array:
    return rows.counts[:, None] * cols.counts


@lru_cache(maxsize=256)
def _pair_weights(rows: Axis, cols: Axis) -> Array:
    return outer(_weights(rows, cols))


@lru_cache(maxsize=256)
def _pairs_apart(rows: Axis, cols: Axis) -> Array:
    weights = _weights(rows, cols)
    return outer(weights) - embed(weights)


@lru_cache(maxsize=256)
def _each_apart(rows: Axis, cols: Axis) -> Array:
    pairs = _pairs_apart(rows, cols)
    return np.divide(1.0, pairs, out=np.zeros_like(pairs), where=pairs > 0.5)


def diagonal(pair: Array) -> Array:
    """Return the entries with equal classes at both ends, shape (..., r, c)."""
    if pair.shape[-4:] == (1, 1, 1, 1):
        return pair[..., 0, :, 0, :]
    return np.einsum("...iijj->...ij", pair)


def embed(site: Array) -> Array:
    """Return the pair array that is ``site`` on equal classes and 0 elsewhere, shape (..., r, r, c, c)."""
    r, c = site.shape[-2:]
    if r == c == 1:
        return site[..., None, None]
    pair = np.zeros((*site.shape[:-2], r, r, c, c))
    np.einsum("...iijj->...ij", pair)[...] = site
    return pair


def outer(values: Array) -> Array:
    """Return values(class a) * values(class b), shape (..., r, r, c, c) from (..., r, c)."""
    return values[..., :, None, :, None] * values[..., None, :, None, :]


def white(shape: tuple[int, ...], mean_square: float, correlation: float) -> Kernel:
    """Return the kernel of the input: independent pixels, equal pixels of two samples correlated.

    Flat features are averaged over like channels, so there the correlation is that of the whole vector.
    """
    channels, (rows, cols) = shape[0], (*shape[1:], 1, 1)[:2]
    site = np.array([mean_square, mean_square * correlation]).reshape(2, 1, 1)
    return Kernel(channels, uniform(rows), uniform(cols), np.zeros((1, 1, 1, 1, 1)), site)


def flat(channels: int, same: Array, cross: Array) -> Kernel:
    """Return the kernel of flat features with E[h(x)^2] = ``same`` and E[h(x)h(y)] = ``cross``."""
    site = np.stack([same - cross, np.zeros_like(same)], axis=-1)
    return Kernel(channels, POINT, POINT, cross[..., None, None, None, None, None], site[..., None, None])
