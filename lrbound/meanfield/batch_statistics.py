"""Batch statistics over samples and positions: what they do to kernels, and to the gradients that run through them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from lrbound.errors import Refused
from lrbound.meanfield import neighbours
from lrbound.meanfield.gradient import Gradient, Sums
from lrbound.meanfield.kernel import SAME, Kernel, diagonal, embed, outer

if TYPE_CHECKING:
    from lrbound.meanfield.neighbours import Near
    from lrbound.meanfield.positions import Array


MANY_VALUES = 300.0
"""Effective values from which the batch variance is as good as its mean, up to the factor nu/(nu-2)."""


@lru_cache(maxsize=64)
def _by_sample(samples: float) -> Array:
    """Return (1/n, 1 - 1/n): the share of same and of cross pairs among the pairs of samples."""
    return np.array([1.0 / samples, 1.0 - 1.0 / samples])


@dataclass(frozen=True, eq=False)
class Normalised:
    """Kernel rho of zhat, and E[1/s^2].

    Attributes
    ----------
    pair, site : ndarray
        rho, laid out as in :class:`~lrbound.meanfield.kernel.Kernel`.
    inverse_variance : ndarray (...)
        e = E[1/(s^2 + eps)] over the draw of the weights.
    weights, pair_weights : ndarray
        Positions and position pairs in each class.
    near : Near or None
        What rho has beside its class pairs at neighbouring positions.
    """

    pair: Array
    site: Array
    inverse_variance: Array
    weights: Array
    pair_weights: Array
    near: Near | None = None


def normalise(kernel: Kernel, samples: float, eps: float) -> Normalised:
    """Centre by the batch mean and divide by the batch variance.

    m(a) = [sum_b S(a,b) + (n-1) sum_b X(a,b)]/(n P) is what the batch mean takes from every product; the variance is
    v = mean_a of S - 2 m + mean m. It is a mean of nu effectively independent squares, with nu the participation
    number (n P v)^2 / (n sum S^2 + n (n-1) sum X^2) of the centred kernels, so E[1/s^2] = nu/(nu-2)/v; for flat
    features nu = n - 1 and this is n/(n-3)/(q - q_xy) (theory-finite-conv, section 1).
    """
    share = _by_sample(samples)
    weights, pair_weights, size = kernel.weights, kernel.pair_weights, kernel.positions
    even = kernel.even
    mixed = _mix(even.pair, share[:, None, None, None, None], 5)
    shift = (mixed * weights[None, :, None, :]).sum(axis=(-3, -1)) / size
    shift = shift + _mix(even.site, share[:, None, None], 3) / size
    level = (shift * weights).sum(axis=(-2, -1)) / size
    a, b = shift[..., None, :, None, :, None], shift[..., None, None, :, None, :]
    pair = kernel.pair - a - b + level[..., None, None, None, None, None]
    on_site = diagonal(pair) + kernel.site
    variance = (on_site[..., SAME, :, :] * weights).sum(axis=(-2, -1)) / size
    spread = pair if kernel.near is None else pair + even.pair - kernel.pair
    squares = (spread * spread * pair_weights).sum(axis=(-4, -3, -2, -1))
    squares = squares + (even.site * (on_site + diagonal(spread)) * weights).sum(axis=(-2, -1))
    surplus = neighbours.surplus(kernel)
    if eps == 0.0 and not np.all(variance > 0.0):
        raise Refused("batch_norm with eps 0 on values that are equal in all samples divides by zero")
    # where nothing varies (a gamma of 0 below) eps is the variance, and is not random
    moment = ((squares + surplus) * share).sum(axis=-1)
    freedom = np.divide((size * variance) ** 2, moment, out=np.full_like(moment, np.inf), where=moment > 0.0)
    if samples * size <= 3.0 or np.any(freedom <= 2.0 + 1e-9):
        raise Refused(_too_few(samples, size))
    scale = variance + eps
    if size > 1 and pair.ndim == 5 and freedom < MANY_VALUES:
        shrink = float(variance / scale)
        rho, rho_site, inverse, near = _whitened(kernel, spread, samples)
        if near is not None:
            # spread over their classes, neighbours leave more values than there are: to leading order in 1/nu
            inverse *= (1.0 - 2.0 / freedom * float(squares @ share / moment)) / (1.0 - 2.0 / freedom)
            near = near.scaled(shrink)
        return Normalised(shrink * rho, shrink * rho_site, np.asarray(shrink * inverse), weights, pair_weights, near)
    inverse = 1.0 / (1.0 - 2.0 / freedom) / scale
    broad = scale[..., None, None, None]
    near = None if kernel.near is None else kernel.near.scaled(1.0 / broad)
    return Normalised(pair / broad[..., None, None], kernel.site / broad, inverse, weights, pair_weights, near)


def _whitened(kernel: Kernel, pair: Array, samples: float) -> tuple[Array, Array, float, Near | None]:
    """Return E[z z'/s^2] as (pair, site, near) and E[1/s^2] over the law of the variance, for the centred kernel."""
    if pair.shape[0] == 1 and kernel.near is None:
        from lrbound.meanfield.few_values import whitened

        shared, site, inverse = whitened(pair[0], kernel.site, kernel.weights, samples)
        return shared[None], site, inverse, None
    from lrbound.meanfield.class_operator import classes_of
    from lrbound.meanfield.quadratic_form import over_batch

    classes = classes_of(kernel)
    rho, both = over_batch([(classes.operator(pair, kernel.even.site), 1.0)], classes, samples)
    rho_pair, site, near = neighbours.gathered(kernel, *classes.kernel(rho), over_batch=True)
    return rho_pair, site, both.same, near


def _mix(values: Array, share: Array, axes: int) -> Array:
    """Sum over the axis (same, cross) with the shares of the pairs; an array that both share is its own mixture."""
    if values.shape[-axes] == 1:
        return values.squeeze(-axes)
    mixed: Array = (values * share).sum(axis=-axes)
    return mixed


def _too_few(samples: float, positions: int) -> str:
    what = f"{samples:g} sample" + ("s" if samples != 1 else "")
    where = "" if positions == 1 else f" at {positions} positions"
    return (
        f"batch_norm over {what}{where} has at most 2 degrees of freedom: the mean of 1/variance over "
        "initialisations is infinite; use a larger batch"
    )


def pull_through(
    gradient: Gradient, zhat: Normalised, gamma2: float, samples: float, *, through: bool
) -> tuple[Sums, Array]:
    """Return delta below the normalisation, and E[sum delta zhat]^2, the Fisher value of gamma.

    Through the statistics delta -> (gamma/s) [delta - mean(delta) - zhat mean(delta zhat)], means over batch and
    positions (theory, section 3); with them frozen only the factor gamma/s stays.

    Notes
    -----
    The trace of the projection on zhat is exact, its shape is taken as rho (theory-finite-conv, section 3).
    """
    delta = gradient.delta
    value = products(gradient, zhat, gamma2).total()
    if through:
        below = _projected(delta, zhat, diagonal(zhat.pair) + zhat.site, value, samples)
        delta = neighbours.follow(delta, below, zhat.near)
    return delta.scaled(gamma2 * zhat.inverse_variance), value


def products(gradient: Gradient, zhat: Normalised, gamma2: float) -> Sums:
    """Return E[delta delta' zhat zhat'], by positions and kinds of pairs."""
    rho = diagonal(zhat.pair) + zhat.site
    product = gradient.delta.times(zhat.pair, rho, zhat.near)
    if gradient.excess is None:
        return product
    # u = gamma zhat (+ a part independent of zhat): zhat leans on u by gamma rho_aa / Var u
    own = rho[..., SAME, :, :]
    lean_pair, lean_site = gamma2 * outer(own), gamma2 * own**2
    return product.plus(gradient.excess().times(lean_pair[..., None, :, :, :, :], lean_site[..., None, :, :]))


def _projected(delta: Sums, zhat: Normalised, rho: Array, value: Array, samples: float) -> Sums:
    """Remove the mean and the direction zhat from delta, as sums over classes and over pairs of samples."""
    n = zhat.weights
    size = n.sum()
    share = _by_sample(samples)
    row = delta.pair.sum(axis=(-5, -3, -1))
    total = row.sum(axis=(-2, -1), keepdims=True)
    row_a, row_b = row[..., :, None, :, None], row[..., None, :, None, :]
    n_a, n_b = n[:, None, :, None], n[None, :, None, :]
    mean_pair = (row_a * n_b + n_a * row_b) / size - zhat.pair_weights * total[..., None, None] / size**2
    mean_site = 2.0 * row / size - n * total / size**2
    along = value[..., None, None, None] / size**2
    zhat_pair = zhat.pair_weights * zhat.pair + embed(n * zhat.site)
    if zhat.near is not None:
        zhat_pair = zhat_pair + zhat.near.embed(zhat.near.values * zhat.near.weights)
    zhat_site = n * rho
    return Sums(
        delta.pair
        - share[:, None, None, None, None]
        * (mean_pair[..., None, :, :, :, :] + along[..., None, None] * zhat_pair[..., None, :, :, :, :, :]),
        delta.site - share[:, None, None] * (mean_site[..., None, :, :] + along * zhat_site[..., None, :, :, :]),
    )
