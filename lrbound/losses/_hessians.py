"""Hessians of a loss in the outputs, for logits that are drawn with a fixed seed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Drawn = NDArray[np.float32] | Array

MOST_FORMED = 128
"""Outputs up to which C x C matrices are formed."""


class Steepest(NamedTuple):
    """The largest eigenvalue of E_x Q_x of every initialisation, shape (initialisations,), and its eigenvector."""

    values: Array
    vectors: Array


@dataclass(frozen=True, eq=False)
class OutputHessians:
    """Q_x = diag(d_x) - p_x p_x^T of every sample x, positive semidefinite.

    Attributes
    ----------
    diagonal : ndarray (initialisations, samples, C)
        d_x.
    vector : ndarray (initialisations, samples, C), or None
        p_x, None where there is no such part. With it the sum of the outputs has no curvature: d_x = p_x adds up to 1.
    most : float
        No eigenvalue of any Q_x is larger.
    least : float
        No loss of this kind makes less than so much of lambda_max of half_squared_error, where Q is only averaged.
    """

    diagonal: Drawn
    vector: Drawn | None
    most: float
    least: float = 0.0

    @property
    def are_formed(self) -> bool:
        """Whether C x C matrices are small enough to be formed: up to :data:`MOST_FORMED` outputs."""
        return self.diagonal.shape[-1] <= MOST_FORMED

    @property
    def typical(self) -> float:
        """Mean eigenvalue of Q_x, that of the sum of the outputs left out where it is 0 for all samples."""
        outputs = self.diagonal.shape[-1]
        trace = self.diagonal.sum(axis=2)
        if self.vector is None:
            return float(trace.mean()) / outputs
        return float(trace.mean() - np.square(self.vector).sum(axis=2).mean()) / (outputs - 1)

    def averaged(self) -> Array:
        """Return E_x Q_x of every initialisation, shape (initialisations, C, C)."""
        mean = self.diagonal.mean(axis=1)
        found: Array = mean[:, :, None] * np.eye(mean.shape[1])
        if self.vector is None:
            return found
        return found - np.array([p.T @ p for p in self.vector]) / self.vector.shape[1]

    def along(self, directions: Array) -> Array:
        """Return v^T Q_x v for a unit vector v (C,) of every initialisation, shape (initialisations, samples)."""
        found: Array = np.einsum("dxk,dk->dx", self.diagonal, directions**2)
        if self.vector is not None:
            found -= np.einsum("dxk,dk->dx", self.vector, directions) ** 2
        return found

    def single(self, initialisations: int, samples: int) -> OutputHessians:
        """Return Q of that many initialisations and samples, each as an initialisation of its own."""

        def apart(drawn: Drawn) -> Drawn:
            return drawn[:initialisations, :samples].reshape(-1, 1, drawn.shape[-1])

        vector = None if self.vector is None else apart(self.vector)
        return OutputHessians(apart(self.diagonal), vector, self.most, self.least)

    @cached_property
    def steepest(self) -> Steepest:
        """The combinations of outputs with the largest mean curvature.

        Up to :data:`MOST_FORMED` outputs the matrix is small and is formed. Above, power iteration with the n x C matrix
        p; a matrix without p is diagonal.
        """
        if not self.are_formed:
            return self._diagonal() if self.vector is None else self._power(self.vector)
        values, vectors = np.linalg.eigh(self.averaged())
        return Steepest(values[:, -1], vectors[:, :, -1])

    def noise(self, steepest: Steepest) -> float:
        """Return the curvature that counts for the noise of single samples: E v'Q_x^2 v / E v'Q_x v, v the top of E_x Q_x.

        A step on sample x has the curvature h = J'Q_x J with J J' = K1 for its own gradients. Along the mean gradient of
        the outputs' combination v, of value K2, the second moment of h is K1 K2 v'Q_x^2 v and its mean K2 v'Q_x v
        (lrbound/theory/mean-field.md, section 7).
        """
        v = steepest.vectors[:, None, :].astype(np.float32)
        image = self.diagonal * v  # Q v
        if self.vector is not None:
            image -= self.vector * (self.vector * v).sum(axis=2, keepdims=True)
        total = float(steepest.values.sum())
        return float(np.square(image).sum(axis=2).mean(axis=1).sum()) / total if total > 0.0 else 0.0

    def _diagonal(self) -> Steepest:
        mean = self.diagonal.mean(axis=1)
        top = mean.argmax(axis=1)
        return Steepest(mean[np.arange(len(mean)), top].astype(np.float64), np.eye(mean.shape[1])[top])

    def _power(self, p: Drawn) -> Steepest:
        """Return the largest eigenvalues of E_x Q_x and their vectors, without forming any C x C matrix."""
        mean = self.diagonal.mean(axis=1)
        v = mean - mean.mean(axis=1, keepdims=True)
        v[np.arange(len(v)), mean.argmax(axis=1)] += 1.0
        values = np.zeros(len(mean))
        for _ in range(200):
            v /= np.linalg.norm(v, axis=1, keepdims=True)
            along = np.swapaxes(p @ v[:, :, None], 1, 2) @ p
            image = mean * v - along[:, 0] / p.shape[1]
            before, values = values, (v * image).sum(axis=1)
            if (abs(values - before) <= 1e-4 * values).all():
                break
            v = image
        return Steepest(values, v)
