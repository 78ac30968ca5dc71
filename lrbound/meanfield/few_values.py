"""Batch statistics over few effective values: the law of the variance, not its mean alone.

The batch variance s^2 = Q/(n P) is a quadratic form of Gaussians. Small maps and position patterns (zero padding) leave
it few degrees of freedom, and then E[z z'/s^2] is not E[z z']/E[s^2]. The exchangeable covariance of all n P values
has the eigenvalues of S + (n-1) X once and those of S - X n - 1 times, and with
phi(t) = prod (1 + 2 lambda t)^(-1/2) over all of them

    E[1/s^2] = n P int_0^inf phi dt,      E[z z'/s^2] has the same eigenvectors, lambda -> n P lambda int phi/(1 + 2 lambda t) dt

(theory-finite-conv, section 1). On classes of positions S - X is diagonal, and S + (n-1) X is a diagonal plus a class
kernel: one eigenproblem of the size of the classes, and the diagonal's own values for what is orthogonal to class
functions. Status: exact for Gaussian values; equal eigenvalues give n/(n-3) for flat features.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from lrbound.meanfield.kernel import CROSS, SAME, embed

if TYPE_CHECKING:
    from lrbound.meanfield.positions import Array

INFINITE = 1e9
"""Samples that stand for a full batch: the products over samples converge long before."""


@cache
def _nodes() -> tuple[Array, Array]:
    u, w = np.polynomial.legendre.leggauss(160)
    u, w = 0.5 * (u + 1.0), 0.5 * w
    return 1.5 * u / (1.0 - u), 1.5 * w / (1.0 - u) ** 2


def whitened(pair: Array, site: Array, weights: Array, samples: float) -> tuple[Array, Array, float]:
    """Return E[z z'/s^2] as (pair, site), and E[1/s^2].

    Parameters
    ----------
    pair : ndarray (r, r, c, c)
        Class-pair part of the centred kernels, shared by same and cross samples.
    site : ndarray (2, r, c)
        Their diagonal parts.
    weights : ndarray (r, c)
        Positions in each class.
    samples : float
        Batch size n; may be infinite.
    """
    n = min(samples, INFINITE)
    r, c = weights.shape
    count = weights.ravel()
    root = np.sqrt(count)
    matrix = n * pair.transpose(0, 2, 1, 3).reshape(r * c, r * c) * np.outer(root, root)
    together = (site[SAME] + (n - 1.0) * site[CROSS]).ravel()
    apart = (site[SAME] - site[CROSS]).ravel()
    values, vectors = np.linalg.eigh(matrix + np.diag(together))
    values = np.maximum(values, 0.0)
    spectrum = np.concatenate([values, together, apart])
    multiplicity = np.concatenate([np.ones(r * c), count - 1.0, (n - 1.0) * count])
    trace = float(spectrum @ multiplicity)
    scaled = spectrum / trace
    t, w = _nodes()
    growth = 1.0 + 2.0 * np.outer(scaled, t)
    phi = w * np.exp(-0.5 * multiplicity @ np.log(growth))
    size = n * count.sum()
    inverse = size / trace * float(phi.sum())
    new = size * scaled * (phi / growth).sum(axis=1)
    new_values, new_together, new_apart = np.split(new, [r * c, 2 * r * c])
    profiles = vectors / root[:, None]
    class_pair = ((profiles * new_values) @ profiles.T).reshape(r, c, r, c).transpose(0, 2, 1, 3) / n
    new_together, new_apart = new_together.reshape(r, c), new_apart.reshape(r, c)
    class_pair = class_pair - embed(new_together / weights) / n
    own = (new_together + (n - 1.0) * new_apart) / n
    return class_pair, np.stack([own, (new_together - new_apart) / n]), inverse
