"""Windows over unlike Gaussian values: near a padded border variances and covariances between samples differ.

f(u) is the largest of the u_a in a window, or 0 if that is larger and a ReLU came before. For u = mu + e, mu shared by the
samples and e a sample's own, the moments between two windows follow from derivatives of f averaged over all of u (the
series of Mehler for several variables, derived):

    E f f' = F F' + g' K g + tr(H K H' K')/2 + ...,      F = E f,  g = E df/du,  H = E d2f/du du',

K the covariances between the positions of the two. Terms of third and higher order are those of one common part a window
(:mod:`lrbound.meanfield.max_pool`). Likewise the chance that the maxima of two samples lie at a and at b is, beside the
product of the single chances, (H K H')_ab.

With u_a = s_a (l_a . m + sqrt(1 - l_a^2) e_a), three factors m that all share and the rest independent, of densities q_a and
distribution functions P_a given m,

    F = E_m int (1 - prod P),    g_a = E_m int q_a prod' P,    H_ab = -E_m int q_a q_b prod' P,
    H_aa = E_m q_a(0) prod' P(0) - sum_b H_ab                     (prod': over the others; the first term with a ReLU)

over t > 0 with a ReLU; what the covariances C_ab within the window have beside l_a . l_b s_a s_b moves F by that times H_ab,
summed over a < b (Price).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lrbound.meanfield.law import half_line
from lrbound.meanfield.normal import cdf, density

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lrbound.meanfield.contract import Elementwise
    from lrbound.meanfield.positions import Array, Lumped

FACTORS, COMMON_NODES, STEPS = 3, 4, 48
"""Factors that the positions of a window share at most, values of each, and values of t; 4 positions have two."""
REACH = 5.5
"""Standard deviations up to which maxima are counted."""
MOST_COMMON = 0.99
"""Of l^2: beyond it the rest is too narrow for the steps of t."""
AT_ONCE = 32
"""Kinds of windows whose integrals are taken together."""
FACTOR_STEPS = 20
"""Of the iteration for the principal factors."""
ALIKE = 4
"""Digits by which windows are distinguished."""
MOST = 2_000_000
"""Pairs of positions of pairs of windows that are held at once."""


class Moments(NamedTuple):
    """By window, and by its taps: F, E f^2, g and H; taps outside the image have 0."""

    mean: Array
    square: Array
    slope: Array
    bend: Array


@dataclass(frozen=True, eq=False)
class Taps:
    """The classes of positions under the taps of a window, by class of windows.

    Attributes
    ----------
    row_taps, col_taps : Lumped
    """

    row_taps: Lumped
    col_taps: Lumped

    @cached_property
    def places(self) -> NDArray[np.int64]:
        """Flat class of the position under each tap, (windows, taps); -1 outside the image."""
        rows, cols = (_under(lumped.taps) for lumped in (self.row_taps, self.col_taps))
        flat = rows[:, None, :, None] * self.col_taps.taps.shape[2] + cols[None, :, None, :]
        flat = np.where((rows[:, None, :, None] < 0) | (cols[None, :, None, :] < 0), -1, flat)
        return flat.reshape(len(rows) * len(cols), -1)

    @property
    def inside(self) -> NDArray[np.bool_]:
        """Whether a tap lies on the image."""
        return self.places >= 0

    @property
    def shape(self) -> tuple[int, int]:
        """Classes of rows and columns of windows."""
        return self.row_taps.taps.shape[1], self.col_taps.taps.shape[1]

    @property
    def below(self) -> tuple[int, int]:
        """Classes of rows and columns of positions."""
        return self.row_taps.taps.shape[2], self.col_taps.taps.shape[2]

    def between(self, covariance: Array, one: slice, other: slice = slice(None)) -> Array:
        """Return covariances between the positions of two windows, (windows, windows, taps, taps)."""
        flat = _square(covariance)
        left, right = self.places[one], self.places[other]
        found = flat[left[:, None, :, None], right[None, :, None, :]]
        return np.where((left >= 0)[:, None, :, None] & (right >= 0)[None, :, None, :], found, 0.0)

    def inside_one(self, covariance: Array) -> Array:
        """Return covariances between the positions of one window, (windows, taps, taps)."""
        found = _square(covariance)[self.places[:, :, None], self.places[:, None, :]]
        return np.where(self.inside[:, :, None] & self.inside[:, None, :], found, 0.0)

    def inside_values(self, values: Array) -> Array:
        """Return values by class of positions (r, c) at the taps, (windows, taps); 0 outside the image."""
        return np.where(self.inside, values.ravel()[self.places], 0.0)

    def blocks(self) -> list[slice]:
        """Return slices of windows that keep pairs with all others within ``MOST``."""
        windows, taps = self.places.shape
        step = max(MOST // (windows * taps**2), 1)
        return [slice(start, start + step) for start in range(0, windows, step)]


def _under(taps: Array) -> NDArray[np.int64]:
    """Return (classes out, kernel) of the class under each tap, -1 where there is none."""
    found = taps.argmax(axis=2)
    return np.where(taps.max(axis=2) > 0.0, found, -1).T


def _square(pair: Array) -> Array:
    """Return (..., r, r, c, c) as (..., r c, r c)."""
    r, c = pair.shape[-4], pair.shape[-2]
    return pair.swapaxes(-3, -2).reshape(*pair.shape[:-4], r * c, r * c)


def _unsquare(matrix: Array, shape: tuple[int, int]) -> Array:
    r, c = shape
    return matrix.reshape(*matrix.shape[:-2], r, c, r, c).swapaxes(-3, -2)


def moments(
    taps: Taps, mean: float, sd: Array, within: Array, *, rectified: bool, curve: Elementwise | None = None
) -> Moments:
    """Return the moments of every class of windows.

    Parameters
    ----------
    taps : Taps
    mean : float
        Of all values.
    sd : ndarray (r, c)
        Standard deviations of the values.
    within : ndarray (windows, taps, taps)
        Covariances between different positions of one sample.
    rectified : bool
        Whether a ReLU came before.
    curve : Elementwise or None
        Another activation that came before: f is that of the largest value.
    """
    spread = taps.inside_values(sd)
    windows, count = spread.shape
    own = within * (1.0 - np.eye(count))
    scale = max(float(spread.max()), 1e-300)
    key = np.concatenate([spread / scale, own.reshape(windows, -1) / scale**2], axis=1).round(ALIKE)
    _, first, kinds = np.unique(key, axis=0, return_index=True, return_inverse=True)
    each = [
        _of_windows(mean, spread[some], own[some], rectified=rectified, curve=curve)
        for some in np.split(first, range(AT_ONCE, len(first), AT_ONCE))
    ]
    return Moments(*(np.concatenate(part)[np.ravel(kinds)] for part in zip(*each, strict=True)))


def _loadings(correlation: Array) -> Array:
    """Return l with l_a . l_b nearest to the correlations of different positions: principal factors, (windows, taps, f)."""
    size = np.abs(correlation).max(axis=-1)
    eye, loadings = np.eye(size.shape[-1]), np.zeros((*size.shape, 1))
    for _ in range(FACTOR_STEPS):
        values, vectors = np.linalg.eigh(correlation + size[..., None] * eye)
        kept = slice(-min(FACTORS, max(correlation.shape[-1] // 2, 1)), None)
        loadings = vectors[..., kept] * np.sqrt(np.maximum(values[..., None, kept], 0.0))
        size = (loadings**2).sum(axis=-1)
        loadings *= np.sqrt(np.minimum(MOST_COMMON / np.maximum(size, 1e-300), 1.0))[..., None]
        size = np.minimum(size, MOST_COMMON)
    return loadings


@cache
def _common_parts(count: int) -> tuple[Array, Array]:
    """Return nodes (nodes, factors) and weights of so many independent normal factors."""
    m, weights = np.polynomial.hermite_e.hermegauss(COMMON_NODES)
    grid = np.stack(np.meshgrid(*[m] * count, indexing="ij"), axis=-1).reshape(-1, count)
    product = np.stack(np.meshgrid(*[weights / weights.sum()] * count, indexing="ij"), axis=-1).prod(axis=-1)
    return grid, product.ravel()


def _at_start(x: Array, own: Array, inside: NDArray[np.bool_], weights: Array) -> Array:
    """Return E_m q_a prod' P at one t, (windows, taps), for its distance ``x`` (windows, nodes, taps) from the means."""
    x, there = x / own, inside[:, None]
    below = np.where(there, cdf(x), 1.0)
    heights = np.where(there, density(x) / own, 0.0)
    found: Array = weights @ (heights * below.prod(axis=-1, keepdims=True) / np.maximum(below, 1e-300))
    return found


def _of_windows(mean: float, sd: Array, within: Array, *, rectified: bool, curve: Elementwise | None) -> Moments:
    """Return the moments of windows with standard deviations (windows, taps)."""
    inside = sd > 0.0
    s = np.where(inside, sd, 1.0)
    loadings = _loadings(within / (s[:, :, None] * s[:, None, :]))
    own, shared = s * np.sqrt(1.0 - (loadings**2).sum(axis=-1)), s[..., None] * loadings
    m, weights = _common_parts(loadings.shape[-1])
    top = float(sd.max()) * REACH
    start = 0.0 if rectified else mean - top
    nodes, dt = half_line(STEPS)
    t, dt = start + (mean + top - start) * nodes, (mean + top - start) * dt
    own, there = own[:, None, None], inside[:, None, None]
    centre = mean + m @ shared.swapaxes(-1, -2)
    x = (t[:, None] - centre[:, :, None]) / own  # (windows, nodes, steps, taps)
    below = np.where(there, cdf(x), 1.0)
    ratio = np.where(there, density(x) / own, 0.0) / np.maximum(below, 1e-300)
    all_below = below.prod(axis=-1)
    # phi, phi' and what phi' rises by around each t: 1 and nothing for the values themselves
    first, value, slope, bends = start, t, np.ones_like(t), np.zeros_like(t)
    if curve is not None:
        first, value, slope = float(curve.value(np.array([start]))[0]), curve.value(t), curve.slope(t)
        bends = curve.slope(t + 0.5 * dt) - curve.slope(t - 0.5 * dt)
    area = weights[:, None] * dt
    flat, seen = ratio.reshape(len(sd), -1, sd.shape[1]), (area * all_below).reshape(len(sd), 1, -1)
    turned = flat.swapaxes(1, 2) * seen
    steep = turned * np.tile(slope, len(weights))
    apart = 1.0 - np.eye(sd.shape[1])
    cross = -(steep @ flat) * apart
    twice = -2.0 * ((steep * np.tile(value, len(weights))) @ flat) * apart
    bent = (turned * np.tile(bends / dt, len(weights))).sum(axis=2)
    at_start = _at_start(start - centre, own[:, 0], inside, weights) if rectified else bent
    moved = 0.5 * (within - shared @ shared.swapaxes(-1, -2))
    above = (area * (1.0 - all_below)).sum(axis=1)
    return Moments(
        first + above @ slope + (moved * cross).sum(axis=(1, 2)),
        first**2 + 2.0 * above @ (value * slope) + (moved * twice).sum(axis=(1, 2)),
        steep.sum(axis=2),
        cross + (at_start - cross.sum(axis=2))[:, :, None] * np.eye(sd.shape[1]),
    )


def up_to_second(taps: Taps, found: Moments, covariance: Array) -> Array:
    """Return F F' + g' K g + tr(H K H' K')/2 by pairs of windows, (r, r, c, c), for covariances (r, r, c, c) below."""
    rows = []
    for block in taps.blocks():
        k = taps.between(covariance, block)
        rows.append(
            found.mean[block, None] * found.mean
            + np.einsum("Aa,ABab,Bb->AB", found.slope[block], k, found.slope, optimize=True)
            + 0.5 * np.einsum("ABab,ABab->AB", found.bend[block, None] @ k, k @ found.bend[None])
        )
    return _unsquare(np.concatenate(rows), taps.shape)


def second_in_window(taps: Taps, found: Moments, covariance: Array, site: Array) -> Array:
    """Return the same for one window in two samples, (r, c): ``site`` (r, c) is the covariance of a position with itself."""
    k = taps.inside_one(covariance)
    np.einsum("waa->wa", k)[...] = taps.inside_values(site)
    once = np.einsum("wa,wab,wb->w", found.slope, k, found.slope)
    twice = ((found.bend @ k) * (k @ found.bend)).sum(axis=(1, 2))
    result: Array = found.mean**2 + once + 0.5 * twice
    return result.reshape(taps.shape)


def _shares(one: Array, other: Array, bend: Array) -> Array:
    """Return where the maxima of two windows lie, (..., taps, taps), adding up to 1; ``bend`` is H K H'."""
    both = one.sum(axis=-1) * other.sum(axis=-1)
    alone = one[..., :, None] * other[..., None, :]
    alone = alone / np.maximum(both, 1e-300)[..., None, None]
    more = bend.sum(axis=(-2, -1))
    moved = (bend - alone * more[..., None, None]) / np.maximum(both + more, 0.1 * both)[..., None, None]
    result: Array = alone + moved
    return result


def spread_pairs(taps: Taps, found: Moments, covariances: tuple[Array, Array], sums: Array) -> Array:
    """Return gradients at maxima, summed over class pairs (..., 2, r, r, c, c), as gradients at their positions."""
    pairs = _square(sums)
    lead = pairs.shape[:-3]
    size = taps.below[0] * taps.below[1]
    below = np.zeros((*lead, 2, size, size))
    places = np.maximum(taps.places, 0)
    for kind, covariance in enumerate(covariances):
        for block in taps.blocks():
            k = taps.between(covariance, block)
            bend = found.bend[block, None] @ k @ found.bend[None]
            weights = _shares(found.slope[block, None], found.slope[None], bend)
            where = (places[block][:, None, :, None] * size + places[None, :, None, :]).ravel()
            for at in np.ndindex(*lead):
                values = pairs[(*at, kind, block)][..., None, None] * weights
                below[(*at, kind)] += np.bincount(where, values.ravel(), size**2).reshape(size, size)
    return _unsquare(below, taps.below)


def spread_sites(taps: Taps, found: Moments, covariance: Array, site: Array) -> Array:
    """Return gradients of single windows (..., 2, r, c) that fall on one position, windows without overlap."""
    alone = found.slope / np.maximum(found.slope.sum(axis=1, keepdims=True), 1e-300)
    k = taps.inside_one(covariance)
    both = _shares(found.slope, found.slope, found.bend @ k @ found.bend)
    share = np.stack([alone, np.einsum("waa->wa", both)])
    windows = len(alone)
    values = site.reshape(*site.shape[:-2], windows)[..., None] * share
    below = _gathered(values, np.maximum(taps.places, 0), taps.below[0] * taps.below[1])
    return below.reshape(*site.shape[:-2], *taps.below)


def _gathered(values: Array, where: NDArray[np.int64], size: int) -> Array:
    """Return sums of values (..., *where.shape) by the class that ``where`` says, (..., size)."""
    lead = values.shape[: values.ndim - where.ndim]
    rows = values.reshape(-1, where.size)
    found: Array = np.stack([np.bincount(where.ravel(), row, size) for row in rows]).astype(np.float64)
    return found.reshape(*lead, size)


def turning(taps: Taps, found: Moments, sums: Array) -> tuple[Array, Array]:
    """Return E[d delta_b/du_a f] summed over all f, by classes of (a, b) and of a = b: how the maximum changes its place.

    ``sums`` are the gradients above the windows by class pairs, (..., 2, r, r, c, c).
    """
    pairs = _square(sums)
    weight = pairs @ found.mean  # (..., 2, windows)
    size = taps.below[0] * taps.below[1]
    places = np.maximum(taps.places, 0)
    pair = _gathered(weight[..., None, None] * found.bend, places[:, :, None] * size + places[:, None, :], size**2)
    site = _gathered(weight[..., None] * np.einsum("waa->wa", found.bend), places, size)
    lead = weight.shape[:-1]
    return _unsquare(pair.reshape(*lead, size, size), taps.below), site.reshape(*lead, *taps.below)
