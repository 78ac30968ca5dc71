"""Gaussian copulas between positions: correlations by class pairs, and the product moments of functions of the two ends.

A function of one position is known by its Hermite coefficients by class: ``found`` holds the first of them, ``missed`` the
root of the second moment that they miss (:func:`lrbound.meanfield.law.coefficients`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lrbound.meanfield import law as laws
from lrbound.meanfield.pairs import pairs

if TYPE_CHECKING:
    from collections.abc import Callable

    from lrbound.meanfield.positions import Array


def ends_of(
    ends: Callable[[Array], tuple[Array, Array]], values: tuple[Array, Array]
) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Return two class functions at the left and at the right ends of pairs."""
    one, two = (ends(each) for each in values)
    return (one[0], two[0]), (one[1], two[1])


def pair_moment(found: Array, missed: Array, r: Array) -> Array:
    """Return the product moments by class pairs of a function with such Hermite coefficients by class."""
    differ = pairs(r, found)
    left, right = zip(differ.ends(laws.leading_terms(found, r)), differ.ends(missed), strict=True)
    return differ.spread(laws.pair_moment(left, right, differ.pick(r))[0])


def copula(found: Array, missed: Array, covariance: Array, sd: Array) -> Array:
    """Return the correlations by class pairs that the covariance asks for."""
    differ = pairs(covariance, found)
    found_ends, missed_ends, sd_ends = (differ.ends(values) for values in (found, missed, sd))
    return differ.spread(copula_between(found_ends, missed_ends, differ.pick(covariance), sd_ends))


def copula_between(
    found: tuple[Array, Array], missed: tuple[Array, Array], covariance: Array, sd: tuple[Array, Array]
) -> Array:
    """Return the correlations that the covariance asks for between functions with such coefficients at both ends."""
    left, right = zip(found, missed, strict=True)
    return laws.copula(left, right, covariance, covariance / (sd[0] * sd[1]))


def ends(found: Array, missed: Array) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Return Hermite coefficients laid out for the two ends of a class pair, shapes (r, 1, c, 1) and (1, r, 1, c)."""
    left = (found[:, None, :, None, :], missed[:, None, :, None])
    right = (found[None, :, None, :, :], missed[None, :, None, :])
    return left, right


def correlations(covariance: Array, across: Array, sd: Array) -> tuple[Array, Array]:
    """Return the correlations of Gaussian values, by class pairs and at one position, from their covariances."""
    product = sd[:, None, :, None] * sd[None, :, None, :]
    pair = np.divide(covariance, product, out=np.zeros_like(covariance), where=product > 0.0)
    own = np.divide(across, sd**2, out=np.zeros_like(sd), where=sd > 0.0)
    return np.clip(pair, -1.0, 1.0), np.clip(np.stack([np.ones_like(sd), own]), -1.0, 1.0)
