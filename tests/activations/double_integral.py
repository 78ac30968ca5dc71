"""An independent double integral: v given u is normal, and both integrals are split at 0 and at kinks."""

from __future__ import annotations

import math

import numpy as np

FINE = np.array([-0.5, -0.15, -0.05, 0.0, 0.05, 0.15, 0.5])


def panels(cuts):
    """Nodes and weights under the normal density for panels between ``cuts``, along the last axis."""
    x, w = np.polynomial.legendre.leggauss(12)
    half = np.diff(cuts, axis=-1)[..., None] / 2
    z = (cuts[..., :-1, None] + half * (1 + x)).reshape(*cuts.shape[:-1], -1)
    return z, (half * w).reshape(z.shape) * np.exp(-z * z / 2) / math.sqrt(2 * math.pi)


def places(activation):
    """Where the function may be steep or has a kink."""
    return np.array(sorted({0.0, *(place for place, _ in activation.kinks)}))


def integral(activation, mean, sd_a, sd_b, rho):
    """Value, slope and stein of an activation."""
    grid = np.linspace(-9, 9, 13)
    apart = places(activation) - mean
    centres = np.concatenate([apart / sd_a, apart / (sd_b * rho) if rho else []])
    outer = np.unique(np.clip(np.concatenate([grid, *(c + FINE for c in centres)]), -9, 9))
    z, weight = panels(outer)
    root = math.sqrt((1 - rho) * (1 + rho))
    breaks = [((place / sd_b - rho * z) / root)[:, None] + FINE for place in apart]
    inner = np.concatenate([np.broadcast_to(grid, (z.size, grid.size)), *breaks], axis=1)
    w, inner_weight = panels(np.sort(np.clip(inner, -9, 9), axis=1))
    other = rho * z[:, None] + root * w
    u, v = mean + sd_a * z, mean + sd_b * other
    slope_u, slope_v = activation.slope(u), activation.slope(v)

    def expect(f, g):
        return float(weight * f @ (inner_weight * g).sum(1))

    slope = expect(slope_u, slope_v)
    stein = (expect(z * slope_u, other * slope_v) - rho * slope) / (sd_a * sd_b)
    return np.array([expect(activation.value(u), activation.value(v)), slope, stein])
