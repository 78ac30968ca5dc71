"""Products of Wishart matrices: what a chain of finite layers does to the Gram matrix of C backward signals.

Backward through one layer, the C x C Gram matrix M of the gradients of the C outputs becomes L A L^T with M = L L^T and A
a Wishart matrix of mean 1: delta W D has W Gaussian, and the units weigh in by phi'^2. A has nu degrees of freedom, the
effective number of units. After layers with nu_1, nu_2, ... the mean of M is unchanged, but its largest eigenvalue grows.

In the limit of many outputs and units, the edge of the spectrum of the product follows from its S-transform (derived;
Voiculescu 1987 for free products, Muller 2002 for the product of Wishart matrices):

    edge(y_1 .. y_k) = min over z > 0 of (1 + 1/z) prod (1 + y_i z),    y_i = C/nu_i;

one factor gives Marchenko and Pastur's (1 + sqrt y)^2. At finite C the mean of the largest eigenvalue lies below the
edge. For one factor it is J(C, nu), from the Tracy-Widom law of order 1 with Johnstone's 2001 centring. For a product
the two are joined as

    chain = edge * g^(1/4) * h^(3/4),    g = prod J(C, nu_i)/(1 + sqrt y_i)^2,  h = the same of one factor y = sum y_i.

Status: the exponents 1/4 and 3/4 are fitted on pure Wishart products (C 1 to 40, nu 60 to 300, 1 to 14 factors: within
about 5 %, 10 % at nu = 60 with 14 factors), not on networks; everything else is derived. Beyond that range two bounds
hold chain: it does not fall with more factors (Jensen: the largest eigenvalue is convex), and it is at most C (the trace).
One output has no spread.

A net's Gram matrix is a sum over its weight layers, nested: M_1 = b_1 I, M_{l+1} = b_{l+1} I + A_l^T/2 M_l A_l^1/2. The sum
of the layers' own tops is too large, because their eigenvectors differ. The edge of the nested sum follows exactly for
many outputs: with G the resolvent's trace and u = z G - 1, a law is a curve (z, u), b I is z = b (1 + 1/u),

    a Wishart step    z -> z (1 + y u)                       (S-transform 1/(1 + y u)),
    adding b I        u -> u + b (1 + u)/z, then z -> z + b,

and the edge is the least z on the curve (derived). At finite C it is lowered like the sum of the layers' own tops
(heuristic; within 3 % of drawn nested products for nets of 3 to 10 layers, C 2 to 40).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

TRACY_WIDOM_MEAN = -1.2065
TRACY_WIDOM_SD = 1.268

_CURVE = 256
_FAR = 1e200
"""Where the curve has long left its least value, and is kept from overflow."""
_GRID = 96
"""Values of z; a parabola through the lowest three leaves an error of about 1e-6."""


class Top(NamedTuple):
    """Largest eigenvalue of one Wishart matrix of mean 1: ``mean`` is J, ``scale`` the unit of its fluctuations."""

    mean: Array
    scale: Array

    @property
    def log_variance(self) -> Array:
        """Variance of its logarithm."""
        spread: Array = (TRACY_WIDOM_SD * self.scale / self.mean) ** 2
        return spread


def top(outputs: float, freedom: Array) -> Top:
    """Return the law of the largest eigenvalue of a C x C Wishart matrix with ``freedom`` degrees of freedom."""
    root, across = np.sqrt(freedom), np.sqrt(outputs)
    scale = (root + across) * (1.0 / root + 1.0 / across) ** (1.0 / 3.0) / freedom
    return Top((root + across) ** 2 / freedom + TRACY_WIDOM_MEAN * scale, scale)


def log_variance(outputs: int, freedom: Array) -> Array:
    """Return the variance of the logarithm of the largest eigenvalue; one output has a plain chi-square."""
    most = np.minimum(freedom, 1e15)
    return 2.0 / most if outputs == 1 else top(outputs, most).log_variance


def edges(ratios: Array, floor: float = 1.0) -> Array:
    """Return min over z > 0 of (floor + 1/z) prod (1 + y_i z) over the factors i.., for every i.

    With ``floor`` 1 it is the upper edge of the spectrum of a product of Wishart matrices of mean 1. With ratios y_i/t
    and floor 1/t it is edge(y)/t, which has a limit at t = inf.

    Parameters
    ----------
    ratios : ndarray (k,)
        y_i; at least one is positive.
    floor : float

    Returns
    -------
    ndarray (k,)
    """
    sums = np.cumsum(ratios[::-1])[::-1]
    most, least = sums[0], sums[sums > 0.0].min()
    # For one factor the minimum is at z = 1/sqrt(floor y); more of them push it down, not below 1/(2 y + sqrt(floor y)).
    start = -np.log(2.0 * most + np.sqrt(floor * most))
    end = min(-0.5 * np.log(floor * least) if floor > 0.0 else np.inf, np.log(1e4 / least))
    z = np.exp(np.linspace(start - 1.0, end + 1.0, _GRID))
    logs = np.log1p(ratios[:, None] * z).cumsum(axis=0)
    logs = logs[-1] - logs + np.log1p(ratios[:, None] * z) + np.log(floor + 1.0 / z)
    found: Array = np.where(sums > 0.0, np.exp(_lowest(logs)), floor)
    return found


def _lowest(values: Array) -> Array:
    """Return the minimum of each row, through a parabola about the lowest entry."""
    at = np.clip(values.argmin(axis=1), 1, values.shape[1] - 2)
    rows = np.arange(len(values))
    before, here, after = values[rows, at - 1], values[rows, at], values[rows, at + 1]
    bend = before - 2.0 * here + after
    step = (after - before) ** 2
    return np.asarray(here - np.divide(step, 8.0 * bend, out=np.zeros_like(here), where=bend > 0.0))


def chains(outputs: int, freedoms: Array) -> Array:
    """Return the mean largest eigenvalue of products of C x C Wishart matrices of mean 1.

    Parameters
    ----------
    outputs : int
        C.
    freedoms : ndarray (k,)
        nu_i; ``inf`` is a factor that does nothing.

    Returns
    -------
    ndarray (k + 1,)
        Entry i is for the factors i .. k-1; the last is 1.
    """
    ratios = outputs / freedoms
    if outputs == 1 or not ratios.any():
        return np.ones(len(ratios) + 1)
    found = np.append(edges(ratios) * below_edges(outputs, ratios), 1.0)
    grown: Array = np.maximum.accumulate(found[::-1])[::-1]
    return np.minimum(grown, outputs)


def below_edges(size: float, ratios: Array) -> Array:
    """Return the mean largest eigenvalue of ``size`` x ``size`` products over :func:`edges`, alike for the factors i.. ."""
    sums = np.cumsum(ratios[::-1])[::-1]
    each = np.cumprod(_below_edge(size, ratios)[::-1])[::-1]
    below: Array = each**0.25 * _below_edge(size, sums) ** 0.75
    return below


def _below_edge(size: float, ratios: Array) -> Array:
    some = np.maximum(ratios, 1e-12)
    below: Array = top(size, size / some).mean / (1.0 + np.sqrt(some)) ** 2
    return below


def grown(outputs: int, values: Array, freedoms: Array) -> Array:
    """Return the layers' parts of the largest eigenvalue of a nested sum of products.

    Parameters
    ----------
    outputs : int
        C.
    values : ndarray (L,)
        b_l, what each weight layer contributes to the mean of the spectrum.
    freedoms : ndarray (L-1,)
        nu of the stages; stage m is passed by the weight layers up to m.
    """
    total = float(values.sum())
    ratios = outputs / freedoms
    if outputs == 1 or not total > 0.0 or not ratios.any():
        return values
    own = values * chains(outputs, freedoms)
    apart = float(own.sum()) / (float(values[:-1] @ edges(ratios)) + float(values[-1]))
    whole = min(max(nested_edge(ratios, values) * apart, total), outputs * total)
    scaled: Array = own * (whole / own.sum())
    return scaled


def nested_edge(ratios: Array, values: Array) -> float:
    """Return the upper edge of the nested sum, as the module derives it.

    Layers at the bottom that carry less than a thousandth together count with the one above them.
    """
    total = float(values.sum())
    low = min(int(np.searchsorted(np.cumsum(values), 1e-3 * total)), len(ratios))
    values = np.append(values[: low + 1].sum(), values[low + 1 :]) / total
    start = np.linspace(-14.0, 9.0, _CURVE)
    z = _curve(np.exp(start), ratios[low:], values)
    # once more about the least value: knobs are swept along lambda_max, which must not jump with the grid
    at = int(np.clip(z.argmin(), 1, _CURVE - 2))
    z = _curve(np.exp(np.linspace(start[at - 1], start[at + 1], 33)), ratios[low:], values)
    return total * float(np.exp(_lowest(np.log(z)[None])[0]))


def _curve(u: Array, ratios: Array, values: Array) -> Array:
    """Return z along the curve that starts with ``u``."""
    z = values[0] * (1.0 + 1.0 / u)
    for ratio, value in zip(ratios.tolist(), values[1:].tolist(), strict=True):
        z = np.minimum(z * (1.0 + ratio * u), _FAR)
        u = u + value * (1.0 + u) / z
        z = z + value
    return np.asarray(z)
