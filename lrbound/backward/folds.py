"""Mean sizes of signals and gradients by their root mean squares: what a step of signs makes of what samples share.

The part of a weight's gradient that samples share is a product of a unit's mean signal and a unit's mean gradient, so that over the
weights E|g|/sqrt(E g^2) is the product of the two units' own quotients. With u = mean + sqrt(x) a + sqrt(q - x) b under an
activation, a the samples' common part and b a sample's own (standard normal),

    m(a) = E_b phi(u),  p(a) = E_b phi'(u):     signal E|m|/sqrt(E m^2),   gradient sqrt(2/pi) E|p|/sqrt(E p^2),

because the gradient above is a sum over many weights. Where no activation is in between both are Gaussian, sqrt(2/pi).
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lrbound.forward.sweep import Fork
from lrbound.meanfield.normal import trapezoid

if TYPE_CHECKING:
    from lrbound.forward.sweep import Chain, Step
    from lrbound.meanfield.contract import Elementwise
    from lrbound.meanfield.positions import Array

GAUSSIAN = math.sqrt(2.0 / math.pi)
"""E|z| of a standard normal number."""


class _Unit(NamedTuple):
    """Of a unit above an activation: the two quotients, and E|phi(u)| of one sample."""

    signal: float
    gradient: float
    size: float


class Folds(NamedTuple):
    """Of a layer's parameters.

    Attributes
    ----------
    signal, gradient : float
        Quotients of the mean signal that reaches the layer and of the mean gradient at its output; the latter is 1 above the
        last weights, where gradients are the outputs' own.
    size : float
        E|h| of the signal in one sample.
    last : bool
        Whether no activation stands between the layer and the outputs.
    grows : bool
        Whether the activation above passes on what its input grows by.
    """

    signal: float
    gradient: float
    size: float
    last: bool
    grows: bool


def folds(chain: Chain) -> dict[int, Folds]:
    """Return the quotients of every layer with parameters, by the identity of its step; call it before the way back."""
    found: dict[int, Folds] = {}
    waiting: list[int] = []

    def climb(chain: Chain, unit: _Unit | None) -> None:
        for step in chain:
            if isinstance(step, Fork):
                for arm in step.chains:
                    climb(arm, unit)
                unit = None
                continue
            layer = step.node.layer
            if step.parameters:
                found[id(step)] = _under(step, unit)
                waiting.append(id(step))
            if layer.curve is not None:
                unit = _above(step, layer.curve)
                for place in waiting:
                    found[place] = found[place]._replace(
                        gradient=unit.gradient, last=False, grows=math.isinf(layer.bound(math.inf))
                    )
                waiting.clear()
            elif layer.has_weights or layer.statistics(step.below.channels, 2.0) is not None:
                unit = None

    climb(chain, None)
    return found


def _under(step: Step, unit: _Unit | None) -> Folds:
    if unit is None or not step.node.layer.has_weights:
        q = max(step.below.averages()[0], 0.0)
        return Folds(GAUSSIAN, 1.0, GAUSSIAN * math.sqrt(q), last=True, grows=True)
    return Folds(unit.signal, 1.0, unit.size, last=True, grows=True)


def _above(step: Step, curve: Elementwise) -> _Unit:
    q, x = step.below.averages()
    mean = step.below.mean
    return _unit(curve, mean, max(q - mean**2, 0.0), x - mean**2)


@lru_cache(maxsize=256)
def _unit(curve: Elementwise, mean: float, q: float, x: float) -> _Unit:
    shared = min(max(x, 0.0), q)
    b, own = trapezoid(7.0, 281)
    a, weights = trapezoid(5.0, 81)
    u = mean + math.sqrt(shared) * a[:, None] + math.sqrt(q - shared) * b
    values = curve.value(u)
    size = float((np.abs(values) @ own) @ weights)
    return _Unit(_quotient(values @ own, weights), GAUSSIAN * _quotient(curve.slope(u) @ own, weights), size)


def _quotient(values: Array, weights: Array) -> float:
    """Return E|v|/sqrt(E v^2); that of a Gaussian where it is 0 throughout."""
    root = math.sqrt(float(values**2 @ weights))
    return float(np.abs(values) @ weights) / root if root > 0.0 else GAUSSIAN
