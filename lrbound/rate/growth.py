"""Growth of the curvature while training brings the outputs to the size of their targets.

At initialisation the curvature of a network with small outputs says little of training: the layers that are to fit the
targets grow, and each of them adds to the gain that the others see. Let layer l have the curvature K_l along one direction
of samples and one output, that is |h|^2 |delta|^2 with the signal h that reaches its weights and the gradient delta that
leaves them. Gradient flow adds to W_l a matrix of rank one, a_l delta h^T/(|delta| |h|). Layers above l then receive more
signal and layers below l more gradient,

    x_(l+1) = x_l (1 + a_l^2 r_l),    y_(l-1) = y_l (1 + a_l^2/g_l),    K_l(a) = K_l x_l y_l,

with g_l the gain of the random weights for a gradient (sigma_w^2) and r_l = K_l/(g_(l+1) K_(l+1)), so that a pair of
neighbours adds the same to each other. The amplitudes and the output f along the direction obey

    da_l = sqrt(K_l(a)) ds,    df = sum_l K_l(a) ds,    a_l = f = 0 at the start.

Limits (both tested): for two layers K^2 - 4 kappa f^2 is conserved up to a factor between 1 and 2 of f, with
kappa = K_1/g_2; where all curvature has grown (small initialisations) it is that of a balanced chain of scalars,
L f^(2 - 2/L) |x|^(2/L) up to what activations take away, which does not depend on the width; where the layers are wide it stays as it is at
initialisation (the lazy limit).

Status: exact for neither depth nor data; the right powers in both limits. See lrbound/theory/rates.md for trained networks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Array = NDArray[np.float64]

STEP = 0.1
"""Relative growth of any part of the curvature in one step of the integration."""


@dataclass(frozen=True)
class GrowingLayer:
    """One layer that training can make larger.

    Attributes
    ----------
    curvature : float
        K_l at initialisation, along one direction of samples and per output.
    gain : float
        g_l: mean squared gain of its random weights for a gradient; infinite where it passes none that counts.
    rescaled : bool
        Whether a normaliser above divides by what the layer grows: its growth reaches no other layer then.
    """

    curvature: float
    gain: float
    rescaled: bool = False


def grown(layers: Sequence[GrowingLayer], target: float) -> float:
    """Return the curvature of the direction when the output along it has the size ``target``.

    Parameters
    ----------
    layers : sequence of GrowingLayer
        In the order of the network.
    target : float
        Size f of the output: root mean square over samples.

    Returns
    -------
    float
        sum_l K_l(a), at least its value at initialisation.
    """
    start = np.array([layer.curvature for layer in layers])
    gain = np.array([layer.gain for layer in layers])
    felt = np.array([not layer.rescaled for layer in layers])
    kept = start > 0.0
    start, gain, felt = start[kept], gain[kept], felt[kept]
    if len(start) == 0 or target <= 0.0:
        return float(start.sum())
    backward = np.divide(1.0, gain, out=np.zeros_like(gain), where=gain > 0.0)
    forward = felt * np.append(start[:-1] * backward[1:] / start[1:], 0.0)
    backward = felt * backward
    amplitude, output = np.zeros_like(start), 0.0
    while True:
        speed, _ = _speed(amplitude, start, forward, backward)
        # so far that no factor 1 + a^2 r changes by more than the step, from a = 0 on
        limit = STEP * np.sqrt(amplitude**2 + 1.0 / np.maximum(np.maximum(forward, backward), 1e-300))
        step = float(np.min(limit / speed))
        ahead, gained = _advance(amplitude, step, start, forward, backward)
        if output + gained >= target:
            end = _reaching(amplitude, target - output, (0.0, step), (start, forward, backward))
            return float(_speed(end, start, forward, backward)[1])
        amplitude, output = ahead, output + gained


def _reaching(
    amplitude: Array, missing: float, between: tuple[float, float], layers: tuple[Array, Array, Array]
) -> Array:
    """Return the amplitudes where ``missing`` has been added to the output, by regula falsi within a step."""
    low, high = between
    at_low, (ahead, at_high) = 0.0, _advance(amplitude, high, *layers)
    for _ in range(12):
        if at_high - at_low <= 1e-13 * missing:
            break
        step = low + (high - low) * (missing - at_low) / (at_high - at_low)
        ahead, gained = _advance(amplitude, step, *layers)
        if abs(gained - missing) <= 1e-13 * missing:
            break
        low, at_low, high, at_high = (step, gained, high, at_high) if gained < missing else (low, at_low, step, gained)
    return ahead


def _advance(amplitude: Array, step: float, start: Array, forward: Array, backward: Array) -> tuple[Array, float]:
    """Return the amplitudes one step on, and what the output has gained; Runge and Kutta's fourth order."""
    first, a = _speed(amplitude, start, forward, backward)
    second, b = _speed(amplitude + 0.5 * step * first, start, forward, backward)
    third, c = _speed(amplitude + 0.5 * step * second, start, forward, backward)
    last, d = _speed(amplitude + step * third, start, forward, backward)
    mean = (first + 2.0 * second + 2.0 * third + last) / 6.0
    return amplitude + step * mean, step * (a + 2.0 * b + 2.0 * c + d) / 6.0


def _speed(amplitude: Array, start: Array, forward: Array, backward: Array) -> tuple[Array, float]:
    """Return d a_l/d s = sqrt(K_l(a)), and df/ds = sum_l K_l(a)."""
    square = amplitude**2
    signal = np.cumprod(np.concatenate([[1.0], 1.0 + square[:-1] * forward[:-1]]))
    gradient = np.cumprod(np.concatenate([[1.0], (1.0 + square[1:] * backward[1:])[::-1]]))[::-1]
    parts = start * signal * gradient
    return np.sqrt(parts), float(parts.sum())
