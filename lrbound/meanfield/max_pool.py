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

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lrbound.errors import Refused
from lrbound.meanfield import law as laws
from lrbound.meanfield import normal, unlike
from lrbound.meanfield.copula import copula_between, ends
from lrbound.meanfield.gradient import Gradient, Sums
from lrbound.meanfield.kernel import CROSS, SAME, Kernel, diagonal, outer
from lrbound.meanfield.overlap import GRID
from lrbound.meanfield.stream import Law, Level, after_relu, gaussian_law, pull_masks
from lrbound.meanfield.windows import Values, Windows, windows_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from lrbound.meanfield.contract import Elementwise, Pullback
    from lrbound.meanfield.neighbours import Near
    from lrbound.meanfield.positions import Array, Window

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
DEEPEST_FALL = 0.35
"""Of an activation before it rises: the kernels of silu, gelu and mish (0.28, 0.17, 0.31) are within 1.5 % of drawn fields, that of
hardswish (0.375) is 10 % off."""
FALL_GRID = np.linspace(-8.0, 8.0, 1601)
COMMON_PARTS = 7
"""Values of m at which the covariance of two maxima is taken."""


def _values(law: Law, windows: Windows, *, rectified: bool, curve: Elementwise | None) -> Values | None:
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
    found = unlike.moments(windows.places, mean, sd, within, rectified=rectified, curve=curve)
    return Values(found, covariances, min(weight, 1.0))


def maximum(kernel: Kernel, window: Window) -> tuple[Kernel, Pullback]:
    """Return the kernel of the maxima over a window and its pullback.

    Raises
    ------
    Refused
        Where the law of the values is not known (after an average pool, say).
    """
    law, windows = _argument(kernel), windows_of(kernel, window)
    rectified, shown = is_rectified(kernel), _shown(kernel)
    common = windows.average_pair(law.pair)
    inside, near = windows.overlap.averages(_beside_pairs(law), law.near)
    level = np.clip(diagonal(common)[0] + inside[SAME], LEAST_COMMON, 1.0 - 1e-9)
    top, profile, own = _largest(law, windows, level, shown)
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
        near = near.beside(moment, pair).plus(windows.overlap.covariance(*_rises(law, windows, level, shown)))
    curve = None if kernel.under is None or rectified else kernel.under[1]
    values = _values(law, windows, rectified=rectified, curve=curve)
    if values is not None:
        moments, covariances, places = values.moments, values.covariances, windows.places
        higher = found * (np.arange(found.shape[-1]) > 2)
        kinds = covariances[: len(law.pair)]
        exact = np.stack([unlike.up_to_second(places, moments, one) for one in kinds])
        exact = exact + laws.pair_moment(*ends(higher, missed), r)[0]
        own_covariance = law.site[CROSS] * laws.variance(law.values)
        across_exact = unlike.second_in_window(places, moments, covariances[CROSS], own_covariance)
        across_exact = across_exact + laws.pair_moment((higher, missed), (higher, missed), across)[0]
        before = laws.mean(shown(top))
        w = values.weight
        mean = w * moments.mean.reshape(level.shape) + (1.0 - w) * before
        pair, cross = w * exact + (1.0 - w) * pair, w * across_exact + (1.0 - w) * cross
        own = w * np.maximum(moments.square.reshape(level.shape), mean**2) + (1.0 - w) * own
        top = top * (mean / before)[..., None] if rectified else top + (mean - before)[..., None]
    site = np.stack([own, cross]) - diagonal(pair)
    return _with_law(kernel, windows, Moments(pair, site, near), top, values)


class Moments(NamedTuple):
    """Second moments of the maxima, laid out as in a kernel."""

    pair: Array
    site: Array
    near: Near | None


def _beside_pairs(law: Law) -> Array:
    """Return what the correlations of one position have beside the class pairs: between samples alone."""
    between = law.site[CROSS] - diagonal(law.pair)[-1]
    return np.stack([np.zeros_like(between), between])


def _with_law(
    kernel: Kernel, windows: Windows, moments: Moments, top: Array, values: Values | None
) -> tuple[Kernel, Pullback]:
    rectified = is_rectified(kernel)
    pair, site, near = moments
    shown = _shown(kernel)(top)
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
    curved = kernel.under is not None and not rectified
    law = Law(shown if curved else top, tie, ties, None, np.zeros_like(sd), tied)
    level = Level(windows.rows, windows.cols, law)
    above = after_relu(level) if rectified else law
    out = Kernel(kernel.channels, windows.rows, windows.cols, pair, site, gaussian=False, law=lambda: above, near=near)

    def pull(gradient: Gradient) -> tuple[Gradient, None]:
        def turning() -> Sums:
            assert values is not None
            return Sums(*unlike.turning(windows.places, values.moments, gradient.delta.pair))

        if curved:
            assert kernel.under is not None
            slopes = kernel.under[1].slope(top)
            below = windows.spread(gradient.delta.times(*_products(slopes, law)), values)
            argument = _argument(kernel)
            apart = top - laws.mean(argument.values).mean()
            lifted = gradient.delta.times(*_products(slopes * apart, law))

            def beside() -> Sums:
                return _less_covariance(windows.spread(lifted, values), below, argument)

            return Gradient(below, beside, masked=True, turning=turning if values is not None else None), None
        if not rectified:
            return Gradient(windows.spread(gradient.delta, values)), None
        delta = pull_masks(level, gradient).delta
        below = windows.spread(delta, values)

        def excess() -> Sums:
            return _excess(delta, below, (windows, values), out, level, _argument(kernel))

        centred = np.abs(laws.mean(_argument(kernel).values)).max() <= CENTRED * sd.max()
        turns = centred and values is not None
        return Gradient(below, excess if centred else None, masked=True, turning=turning if turns else None), None

    return out, pull


def _products(values: Array, law: Law) -> tuple[Array, Array, Near | None]:
    """Return E f(t) f(t') of the maxima t of two windows, from f at the nodes of ``law``.

    By pairs of classes, at one place of one sample and of two, and what neighbouring windows have beside the pairs.
    """
    found, missed = laws.coefficients(values)
    pairs = laws.pair_moment(*ends(found, missed), law.pair)[0]
    own = values**2 @ laws.WEIGHTS
    across = laws.pair_moment((found, missed), (found, missed), law.site[CROSS])[0]
    near = law.near
    if near is not None:
        left, right = zip(near.ends(found), near.ends(missed), strict=True)
        near = near.beside(laws.pair_moment(left, right, np.clip(near.total(law.pair), -1.0, 1.0))[0], pairs)
    return pairs, np.stack([own, across]), near


def _shown(kernel: Kernel) -> Callable[[Array], Array]:
    """Return the function that makes the values of what a window compares."""
    if is_rectified(kernel):
        return _relu
    return _same if kernel.under is None else kernel.under[1].value


def _relu(values: Array) -> Array:
    return np.maximum(values, 0.0)


def _same(values: Array) -> Array:
    return values


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
    return _less_covariance(moment, below, law)


def _less_covariance(moment: Sums, below: Sums, law: Law) -> Sums:
    """Return E[delta delta' u u'] less E[delta delta'] E[u u'], over the variances of u and u'."""
    variance = laws.variance(law.values)
    sd = np.sqrt(variance)
    between = law.near
    if between is not None:
        between = between.of(-between.values / between.product(sd))
    covariance = below.times(-law.pair / outer(sd), -law.site / variance, between)
    return moment.times(1.0 / outer(variance)[None], np.stack([variance**-2.0] * 2)).plus(covariance)


def _argument(kernel: Kernel) -> Law:
    """Return the law of u where the values are phi(u) with an activation right below, else that of the values."""
    if kernel.gaussian:
        return gaussian_law(kernel)
    if kernel.law is None and kernel.under is not None:
        below, curve = kernel.under
        falls = float(np.clip(-curve.slope(FALL_GRID), 0.0, None).mean()) * float(np.ptp(FALL_GRID))
        if falls > DEEPEST_FALL:
            raise Refused(
                f"max_pool2d above {curve.kind} is not predicted, which falls by {falls:.2g} before it rises, so that the largest "
                "value is not that of the largest argument; up to "
                f"{DEEPEST_FALL:g} (silu, gelu, mish) it is left out"
            )
        return gaussian_law(below)
    if kernel.law is None:
        raise Refused(
            "max_pool2d needs the law of the values that it compares; it is known after weights, normalisers of them, activations, "
            "other max pools and a concat of these, not after an average pool, dropout or a normaliser of an activation; put the pool "
            "right above the activation"
        )
    law = kernel.law_here()
    return law if not is_rectified(kernel) else law.below.law  # type: ignore[union-attr]


def is_rectified(kernel: Kernel) -> bool:
    """Whether the values are relu(u) with nothing added since."""
    if kernel.gaussian or kernel.law is None:
        return False
    law = kernel.law_here()
    return law.below is not None and not law.added.any()


def _largest(law: Law, windows: Windows, common: Array, shown: Callable[[Array], Array]) -> tuple[Array, Array, Array]:
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
        seen_value = shown(value)
        profile[place] = seen_value @ laws.WEIGHTS
        own[place] = laws.WEIGHTS @ (seen_value**2 @ laws.WEIGHTS)
        given = (
            normal.cdf((fine[:, None] - np.sqrt(shared) * laws.NODES) / np.sqrt(1.0 - shared)) ** count @ laws.WEIGHTS
        )
        inner = (given > 1e-14) & (given < 1.0 - 1e-14)
        at = np.interp(laws.NODES, normal.quantile(given[inner]), fine[inner])
        top[place] = _extended(at, quantiles[place])
    return top, profile, own


def _rises(law: Law, windows: Windows, level: Array, shown: Callable[[Array], Array]) -> tuple[Array, Array]:
    """Return how much the maxima rise between the points of the grid at some common parts m, and the weights of those."""
    m, weights = np.polynomial.hermite_e.hermegauss(COMMON_PARTS)
    r, c = windows.shares
    quantiles = np.einsum("ai,ikz,ck->acz", r, law.values, c, optimize=True)
    rises = np.empty((*level.shape, COMMON_PARTS, len(GRID) - 1))
    for place in np.ndindex(*level.shape):
        zeta = np.sqrt(level[place]) * m[:, None] + np.sqrt(1.0 - level[place]) * GRID
        value = _extended(zeta, quantiles[place])
        rises[place] = np.diff(shown(value))
    return rises, weights / weights.sum()


def _extended(zeta: Array, quantiles: Array) -> Array:
    """Return T(zeta), straight beyond the grid."""
    low, high = laws.NODES[0], laws.NODES[-1]
    step = laws.NODES[1] - laws.NODES[0]
    value: Array = np.interp(zeta, laws.NODES, quantiles)
    value = value + np.maximum(zeta - high, 0.0) * (quantiles[-1] - quantiles[-2]) / step
    return value + np.minimum(zeta - low, 0.0) * (quantiles[1] - quantiles[0]) / step
