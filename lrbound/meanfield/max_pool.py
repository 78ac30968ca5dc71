"""The largest of the values in a window, forward and backward.

The values of a window are T(zeta) with zeta = sqrt(c) m + sqrt(1 - c) eps: a part m that the window has in common
(c, the mean correlation of its positions) and independent rest. T rises, so the maximum is T of the largest zeta, and
of u where the values are relu(u). Windows and samples are tied through m alone. Backward the gradient goes to the
position of the maximum, each with the same chance; its ReLU mask is that of the maximum, not its own.

What positions have in common can differ within a window, and so can their variances. Where the values (before a ReLU) are
Gaussian, the moments up to second order in the covariances between windows, and the places of the maxima, are those of
unlike positions: :mod:`lrbound.meanfield.unlike`. The rest of the series, and other laws, know a window's averages alone.

Overlapping windows of one sample share positions: :mod:`lrbound.meanfield.overlap`. What neighbouring positions of the
input share (an overlapping pool below) counts through its mean over the pairs of positions of two windows.

Status: derived; kernels of Gaussian values are within 1 % of drawn fields.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lrbound.errors import Refused
from lrbound.meanfield import edges, neighbours, normal, unlike
from lrbound.meanfield import law as laws
from lrbound.meanfield.copula import copula_between, ends
from lrbound.meanfield.gradient import Gradient, Sums
from lrbound.meanfield.kernel import CROSS, SAME, Kernel, diagonal, embed, outer
from lrbound.meanfield.overlap import GRID, Overlap
from lrbound.meanfield.position_map import check_size
from lrbound.meanfield.positions import refine
from lrbound.meanfield.stream import Law, Level, after_relu, gaussian_law, pull_masks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lrbound.meanfield.contract import Pullback
    from lrbound.meanfield.edges import Edges
    from lrbound.meanfield.neighbours import Near
    from lrbound.meanfield.positions import Array, Axis, AxisWindow, Lumped, Window

LEAST_COMMON = 1e-4
"""Floor of c: below it m hardly moves the maximum, and the series in m needs no more digits."""
CENTRED = 1e-9
"""Mean of u, over its standard deviation, up to which it is 0."""
STRAIGHT = 1e-4
"""Largest distance of a quantile function from a Gaussian's, in standard deviations, up to which it is one."""
ALIKE = 0.7, 0.9
"""Mean correlations of two samples between which the moments of unlike positions give way to those of the windows' averages,
whose series in the correlation is complete: S - X is a small difference then."""
MOST_TAPS = 200
"""Positions of a window whose differences are followed one by one: the work goes with the cube of it, and of larger windows
the padded border is so small a part that lambda_max moves by 2 to 4 %."""
COMMON_PARTS = 7
"""Values of m at which the covariance of two maxima is taken."""


@dataclass(frozen=True, eq=False)
class Windows:
    """The places of a window on the classes of a map.

    Attributes
    ----------
    row_taps, col_taps : Lumped
    overlap : Overlap
        Pairs of windows that share positions.
    window : Window
    """

    row_taps: Lumped
    col_taps: Lumped
    overlap: Overlap
    window: Window

    def neighbours(self, near: Near) -> Array:
        """Return what same samples have beside their class pairs between the taps of a window, (windows, taps, taps)."""
        rows, cols = (
            _between_taps(edges_of, lumped.axis, along)
            for edges_of, lumped, along in (
                (near.rows, self.row_taps, self.window.rows),
                (near.cols, self.col_taps, self.window.cols),
            )
        )
        row, col = rows[:, None, :, None, :, None], cols[None, :, None, :, None, :]
        found = np.where((row >= 0) & (col >= 0), near.values[SAME][row, col], 0.0)
        size = self.window.size
        return found.reshape(len(rows) * len(cols), size, size)

    @property
    def rows(self) -> Axis:
        """Classes of output rows."""
        return self.row_taps.axis

    @property
    def cols(self) -> Axis:
        """Classes of output columns."""
        return self.col_taps.axis

    @cached_property
    def places(self) -> unlike.Taps:
        """Classes of positions under the taps."""
        return unlike.Taps(self.row_taps, self.col_taps)

    @cached_property
    def shares(self) -> tuple[Array, Array]:
        """Uniform weights of the positions inside the image, (out, in) for rows and columns."""
        rows, cols = (lumped.taps.sum(axis=0) for lumped in (self.row_taps, self.col_taps))
        return rows / rows.sum(axis=1, keepdims=True), cols / cols.sum(axis=1, keepdims=True)

    @cached_property
    def sizes(self) -> Array:
        """Number of positions inside the image by class, (r, c)."""
        rows, cols = (lumped.taps.sum(axis=(0, 2)) for lumped in (self.row_taps, self.col_taps))
        return rows[:, None] * cols

    def average_pair(self, pair: Array) -> Array:
        """Return the mean over pairs of positions of two windows."""
        r, c = self.shares
        return np.einsum("ai,bj,...ijkl,ck,dl->...abcd", r, r, pair, c, c, optimize=True)

    def average(self, values: Array) -> Array:
        """Return the mean over the positions of a window, (..., r, c)."""
        r, c = self.shares
        return np.einsum("ai,...ik,ck->...ac", r, values, c, optimize=True)

    def spread(self, sums: Sums, values: Values | None = None) -> Sums:
        """Return gradients at the maxima as gradients at their positions, of which those of unlike ``values`` are known."""
        r, c = self.shares
        none = np.zeros_like(sums.pair[..., SAME, :, :, :, :])
        together = self.overlap.together(sums.site, sums.near)
        apart = sums.pair - np.stack([together, none], -5)
        site, near = self.overlap.places(sums.site, sums.near)
        if values is None:
            below = np.einsum("ai,bj,...abcd,ck,dl->...ijkl", r, r, apart, c, c, optimize=True)
        else:
            below = unlike.spread_pairs(self.places, values.moments, values.covariances, apart)
            if near is None:
                site = unlike.spread_sites(self.places, values.moments, values.covariances[CROSS], sums.site)
        # one sample's maximum is one position: what a window shares with itself stays on the diagonal
        own = np.stack([embed(site[..., SAME, :, :]), np.zeros_like(below[..., SAME, :, :, :, :])], -5)
        return Sums(below + own, site, near)


class Values(NamedTuple):
    """Gaussian values under windows.

    Attributes
    ----------
    moments : Moments
        Of the maxima.
    covariances : (ndarray, ndarray)
        Between positions, same and cross.
    weight : float
        How far they are to be believed: the series in the covariances is short.
    """

    moments: unlike.Moments
    covariances: tuple[Array, Array]
    weight: float


def _values(law: Law, windows: Windows, *, rectified: bool) -> Values | None:
    """Return the moments of windows over values of this law; None where they are not Gaussian or the windows too large."""
    if windows.window.size > MOST_TAPS:
        return None
    centre, sd = laws.mean(law.values), np.sqrt(laws.variance(law.values))
    straight = centre[..., None] + sd[..., None] * laws.NODES
    scale = float(sd.max())
    if not scale > 0.0 or max(np.abs(law.values - straight).max(), np.ptp(centre)) > STRAIGHT * scale:
        return None
    weight = (ALIKE[1] - float(law.site[CROSS].mean())) / (ALIKE[1] - ALIKE[0])
    if not (float(sd.min()) > 1e-3 * scale and weight > 0.0):
        return None
    covariances = law.pair[0] * outer(sd), law.pair[-1] * outer(sd)
    mean = float(centre.ravel()[0])
    within = windows.places.inside_one(covariances[SAME])
    if law.near is not None:
        spread = windows.places.inside_values(sd)
        within = within + windows.neighbours(law.near) * spread[:, :, None] * spread[:, None, :]
    found = unlike.moments(windows.places, mean, sd, within, rectified=rectified)
    return Values(found, covariances, min(weight, 1.0))


def maximum(kernel: Kernel, window: Window) -> tuple[Kernel, Pullback]:
    """Return the kernel of the maxima over a window and its pullback.

    Raises
    ------
    Refused
        Where the law of the values is not known (after an average pool, say).
    """
    law, windows = _argument(kernel), _windows(kernel, window)
    common = windows.average_pair(law.pair)
    inside, near = windows.overlap.averages(_beside_pairs(law), law.near)
    level = np.clip(diagonal(common)[0] + inside[SAME], LEAST_COMMON, 1.0 - 1e-9)
    rectified = is_rectified(kernel)
    top, profile, own = _largest(law, windows, level, rectified=rectified)
    found, missed = laws.coefficients(profile)
    root = np.sqrt(level)
    r = np.clip(common / (root[:, None, :, None] * root[None, :, None, :]), -1.0, 1.0)
    pair = laws.pair_moment(*ends(found, missed), r)[0]
    across = np.clip((diagonal(common)[-1] + inside[CROSS]) / level, -1.0, 1.0)
    cross = laws.pair_moment((found, missed), (found, missed), across)[0]
    if near is not None:
        one, other = near.ends(root)
        left, right = zip(near.ends(found), near.ends(missed), strict=True)
        moment = laws.pair_moment(left, right, np.clip(near.total(common) / (one * other), -1.0, 1.0))[0]
        near = near.beside(moment, pair).plus(
            windows.overlap.covariance(*_rises(law, windows, level, rectified=rectified))
        )
    values = _values(law, windows, rectified=rectified)
    if values is not None:
        moments, covariances, places = values.moments, values.covariances, windows.places
        higher = found * (np.arange(found.shape[-1]) > 2)
        kinds = covariances[: len(law.pair)]
        exact = np.stack([unlike.up_to_second(places, moments, one) for one in kinds])
        exact = exact + laws.pair_moment(*ends(higher, missed), r)[0]
        own_covariance = law.site[CROSS] * laws.variance(law.values)
        across_exact = unlike.second_in_window(places, moments, covariances[CROSS], own_covariance)
        across_exact = across_exact + laws.pair_moment((higher, missed), (higher, missed), across)[0]
        shown = laws.mean(np.maximum(top, 0.0) if rectified else top)
        w = values.weight
        mean = w * moments.mean.reshape(level.shape) + (1.0 - w) * shown
        pair, cross = w * exact + (1.0 - w) * pair, w * across_exact + (1.0 - w) * cross
        own = w * np.maximum(moments.square.reshape(level.shape), mean**2) + (1.0 - w) * own
        top = top * (mean / shown)[..., None] if rectified else top + (mean - shown)[..., None]
    site = np.stack([own, cross]) - diagonal(pair)
    return _with_law(kernel, windows, Moments(pair, site, near), top, values)


class Moments(NamedTuple):
    """Second moments of the maxima, laid out as in a kernel."""

    pair: Array
    site: Array
    near: Near | None


def _windows(kernel: Kernel, window: Window) -> Windows:
    rows, cols = refine(kernel.rows, window.rows), refine(kernel.cols, window.cols)
    check_size(rows, cols)
    reach = neighbours.reach_of(kernel.near)
    row_map, col_map = (
        edges.pooled(axis.classes, lumped.axis.classes, along, far)
        for axis, lumped, along, far in zip((kernel.rows, kernel.cols), (rows, cols), window, reach, strict=True)
    )
    edges.check_size((row_map, col_map))
    return Windows(rows, cols, Overlap((row_map, col_map), window.size), window)


def _between_taps(pairs: Edges, above: Axis, window: AxisWindow) -> NDArray[np.int64]:
    """Return the edges between the taps of one window of each class, (classes, taps, taps); -1 where there is none."""
    _, first = np.unique(above.classes, return_index=True)
    taps = window.taps(len(pairs.classes))[first]
    return pairs.find(taps[:, :, None], taps[:, None, :])


def _beside_pairs(law: Law) -> Array:
    """Return what the correlations of one position have beside the class pairs: between samples alone."""
    between = law.site[CROSS] - diagonal(law.pair)[-1]
    return np.stack([np.zeros_like(between), between])


def _with_law(
    kernel: Kernel, windows: Windows, moments: Moments, top: Array, values: Values | None
) -> tuple[Kernel, Pullback]:
    rectified = is_rectified(kernel)
    pair, site, near = moments
    shown = np.maximum(top, 0.0) if rectified else top
    found, missed = laws.coefficients(shown)
    sd = np.sqrt(np.maximum(laws.variance(shown), 1e-300))
    centre = laws.mean(shown)
    covariance = pair - centre[:, None, :, None] * centre[None, :, None, :]
    start = covariance / (sd[:, None, :, None] * sd[None, :, None, :])
    tie = laws.copula(*ends(found, missed), covariance, start)
    cross = diagonal(pair)[-1] + site[CROSS] - centre**2
    ties = np.stack([np.ones_like(sd), laws.copula((found, missed), (found, missed), cross, cross / sd**2)])
    tied = near
    if near is not None:
        one, other = near.ends(centre)
        wanted = near.total(pair) - one * other
        tied = near.beside(copula_between(near.ends(found), near.ends(missed), wanted, near.ends(sd)), tie)
    law = Law(top, tie, ties, None, np.zeros_like(sd), tied)
    level = Level(windows.rows, windows.cols, law)
    above = after_relu(level) if rectified else law
    out = Kernel(kernel.channels, windows.rows, windows.cols, pair, site, gaussian=False, law=lambda: above, near=near)

    def pull(gradient: Gradient) -> tuple[Gradient, None]:
        if not rectified:
            return Gradient(windows.spread(gradient.delta, values)), None
        delta = pull_masks(level, gradient).delta
        below = windows.spread(delta, values)

        def excess() -> Sums:
            return _excess(delta, below, (windows, values), out, level, _argument(kernel))

        def turning() -> Sums:
            assert values is not None
            return Sums(*unlike.turning(windows.places, values.moments, gradient.delta.pair))

        centred = np.abs(laws.mean(_argument(kernel).values)).max() <= CENTRED * sd.max()
        turns = centred and values is not None
        return Gradient(below, excess if centred else None, masked=True, turning=turning if turns else None), None

    return out, pull


def _excess(
    delta: Sums, below: Sums, places: tuple[Windows, Values | None], out: Kernel, level: Level, law: Law
) -> Sums:
    """Return E[delta delta' u u'] less its part by covariances, over the variances: u at a maximum is the maximum itself.

    E[v v'] of maxima that are both positive is the kernel above over the probability that they are.
    """
    mask = level.masks(level.above[0], level)
    near = out.near
    if near is not None:
        both = near.at(mask.pair) + (0.0 if mask.near is None else mask.near.values)
        near = near.of((near.at(out.pair) + near.values) / both - near.at(out.pair / mask.pair))
    windows, values = places
    moment = windows.spread(delta.times(out.pair / mask.pair, out.on_site / mask.site, near), values)
    variance = laws.variance(law.values)
    sd = np.sqrt(variance)
    between = law.near
    if between is not None:
        between = between.of(-between.values / between.product(sd))
    covariance = below.times(-law.pair / outer(sd), -law.site / variance, between)
    return moment.times(1.0 / outer(variance)[None], np.stack([variance**-2.0] * 2)).plus(covariance)


def _argument(kernel: Kernel) -> Law:
    """Return the law of u where the values are relu(u), else that of the values."""
    if kernel.gaussian:
        return gaussian_law(kernel)
    if kernel.law is None:
        raise Refused(
            "max_pool2d needs the law of the values that it compares; it is known after weights, normalisers, relu, other max "
            "pools and a concat of these, not after other activations, an average pool or dropout; put the pool below an "
            "activation that rises: the maxima are the same"
        )
    law = kernel.law_here()
    return law if not is_rectified(kernel) else law.below.law  # type: ignore[union-attr]


def is_rectified(kernel: Kernel) -> bool:
    """Whether the values are relu(u) with nothing added since."""
    if kernel.gaussian or kernel.law is None:
        return False
    law = kernel.law_here()
    return law.below is not None and not law.added.any()


def _largest(law: Law, windows: Windows, common: Array, *, rectified: bool) -> tuple[Array, Array, Array]:
    """Return the quantiles of the largest u, the mean value given the common part, and E value^2, by class."""
    r, c = windows.shares
    quantiles = np.einsum("ai,ikz,ck->acz", r, law.values, c, optimize=True)
    shape = quantiles.shape
    top, profile, own = np.empty(shape), np.empty(shape), np.empty(shape[:-1])
    uniform = normal.cdf(laws.NODES)
    fine = np.linspace(-6.0, 8.0, 200)
    seen: dict[tuple[float, ...], tuple[int, int]] = {}
    for place in np.ndindex(*shape[:-1]):
        count, shared = windows.sizes[place], float(np.clip(common[place], LEAST_COMMON, 1.0 - 1e-9))
        key = (float(count), round(shared, 4), *np.round(quantiles[place][::16], 4))
        if key in seen:
            twin = seen[key]
            top[place], profile[place], own[place] = top[twin], profile[twin], own[twin]
            continue
        seen[key] = place
        largest = normal.quantile(uniform ** (1.0 / count))
        zeta = np.sqrt(shared) * laws.NODES[:, None] + np.sqrt(1.0 - shared) * largest
        value = _extended(zeta, quantiles[place])
        shown = np.maximum(value, 0.0) if rectified else value
        profile[place] = shown @ laws.WEIGHTS
        own[place] = laws.WEIGHTS @ (shown**2 @ laws.WEIGHTS)
        given = (
            normal.cdf((fine[:, None] - np.sqrt(shared) * laws.NODES) / np.sqrt(1.0 - shared)) ** count @ laws.WEIGHTS
        )
        inner = (given > 1e-14) & (given < 1.0 - 1e-14)
        at = np.interp(laws.NODES, normal.quantile(given[inner]), fine[inner])
        top[place] = _extended(at, quantiles[place])
    return top, profile, own


def _rises(law: Law, windows: Windows, level: Array, *, rectified: bool) -> tuple[Array, Array]:
    """Return how much the maxima rise between the points of the grid at some common parts m, and the weights of those."""
    m, weights = np.polynomial.hermite_e.hermegauss(COMMON_PARTS)
    r, c = windows.shares
    quantiles = np.einsum("ai,ikz,ck->acz", r, law.values, c, optimize=True)
    rises = np.empty((*level.shape, COMMON_PARTS, len(GRID) - 1))
    for place in np.ndindex(*level.shape):
        zeta = np.sqrt(level[place]) * m[:, None] + np.sqrt(1.0 - level[place]) * GRID
        value = _extended(zeta, quantiles[place])
        rises[place] = np.diff(np.maximum(value, 0.0) if rectified else value)
    return rises, weights / weights.sum()


def _extended(zeta: Array, quantiles: Array) -> Array:
    """Return T(zeta), straight beyond the grid."""
    low, high = laws.NODES[0], laws.NODES[-1]
    step = laws.NODES[1] - laws.NODES[0]
    value: Array = np.interp(zeta, laws.NODES, quantiles)
    value = value + np.maximum(zeta - high, 0.0) * (quantiles[-1] - quantiles[-2]) / step
    return value + np.minimum(zeta - low, 0.0) * (quantiles[1] - quantiles[0]) / step
