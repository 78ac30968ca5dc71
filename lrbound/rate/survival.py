"""The largest rate that the first few hundred steps of training survive, and what sets it.

The curvature at initialisation is where training starts, not what it meets. Four things raise it, and each is a step of the
rule below:

    curvature   that of all samples together, of the layers whose scale matters, and of the best combination of outputs
    minibatch   what it varies by from batch to batch
    data        what the samples share beside their mean (:mod:`lrbound.rate.structure`)
    targets     what the layers grow by until the outputs fit (:mod:`lrbound.rate.growth`)

Status: the steps are derived as far as their files say. Constants are fitted on trained networks; lrbound/theory/rates.md,
section 12, has them all, and how the rule did on networks that were held out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from lrbound.optimizers.base import LayerwiseCurvature
from lrbound.rate.growth import GrowingLayer, grown
from lrbound.rate.structure import shared_direction, structured_share

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrbound.input_law import Input
    from lrbound.losses.base import Logits
    from lrbound.network import Training
    from lrbound.rate.exposed import Exposed

Reason = Literal["curvature", "minibatch", "data", "targets"]

MARGIN = {True: 0.7, False: 0.9}
"""What is left of the rate of the rule, by whether the loss diverges; fitted."""
START = {True: 0.5, False: 0.85}
"""Rate to start with by the largest that is survived, by whether statistics run over the batch; fitted to the loss after 300 steps."""
CLASS_SHARE = 0.1
"""Least share of what differs between samples that lies in a direction that classes can be told by; fitted."""
SATURATED = 1.0 / 3.0
"""Weight of the saturated network in the logarithm of the curvature, against that of layers that grow; chosen on nine networks that
were trained above targets of 10 to 1000 (lrbound/theory/rates.md, section 12)."""
WORTH_NAMING = 1.1
"""A step that lowers the rate by less is not what limits it."""

LEAST_BATCH, MOST_BATCH = 1e-6, 1e6
"""Where the critical batch size is looked for, in units of N/K."""
BATCH_TOLERANCE = 1e-9


class Survival(NamedTuple):
    """The largest rate, infinite without curvature, and the step of the rule that lowers it most.

    ``critical_batch_size`` is that of :func:`critical_batch_size` for the last step; None without curvature or noise.
    """

    rate: float
    limited_by: Reason
    critical_batch_size: float | None


@dataclass(frozen=True)
class Case:
    """What the rule knows of a network and of how it is trained.

    Attributes
    ----------
    layers : tuple of Exposed
    law : Input
    training : Training
    logits : Logits
        Law of the outputs at initialisation.
    narrowest : float
        Fewest units of a hidden weight layer.
    normalisers : int
    over_batch : bool
        Whether normalisers take their statistics over the batch.
    features : float
        Largest squared norm of the last weight layer's input; infinite where no activation bounds it.
    largest : float
        lambda_max of a batch of such samples, which the curvature in the mean cannot exceed; infinite where it is not known
        well enough for that.
    """

    layers: tuple[Exposed, ...]
    law: Input
    training: Training
    logits: Logits
    narrowest: float
    normalisers: int
    over_batch: bool
    features: float
    largest: float


class Effective(NamedTuple):
    """Curvature of the loss in the mean over steps, and the variance of that of one sample by it."""

    coherent: float
    noise: float


def survival(case: Case) -> Survival:
    """Return the largest rate that is expected to survive, with the reason that limits it."""
    steps = _steps(case)
    rates = {reason: _rate(case.training, effective) for reason, effective in steps}
    drops: list[tuple[float, Reason]] = []
    above = math.inf
    for reason, rate in rates.items():
        drops.append((above / rate if rate > 0.0 and math.isfinite(above) else 1.0, reason))
        above = rate
    drop, reason = max(drops)
    critical = critical_batch_size(case.training, steps[-1][1])
    return Survival(
        MARGIN[case.training.loss.diverges] * above, reason if drop > WORTH_NAMING else "curvature", critical
    )


def critical_batch_size(training: Training, effective: Effective) -> float | None:
    """Return the batch size at which the noise halves the largest rate; None where there is none.

    The curvature of a step has the mean K and the variance K N/B. For heavy ball the largest rate is that of a full batch
    divided by 1 + B_c/B,

        rate(B) = 2 (1 + mu)/(K + (1 + mu)/(1 - mu) N/B),    B_c = (1 + mu)/(1 - mu) N/K.

    Well below B_c it is proportional to B; above, a larger batch buys less than a factor of 2, and nothing in the limit.
    For other optimisers B_c is where their own rule gives half of the rate of a full batch, by bisection. K and N are those of
    the stated batch: statistics over the batch depend on it, and so does lambda_max, which K cannot exceed.
    """
    coherent, noise = effective
    if coherent <= 0.0 or noise <= 0.0 or not (math.isfinite(coherent) and math.isfinite(noise)):
        return None

    def rate(batch: float) -> float:
        return training.optimizer.stable_rate(LayerwiseCurvature(coherent, noise / batch, ()))

    half = 0.5 * training.optimizer.stable_rate(LayerwiseCurvature(coherent, 0.0, ()))
    if not 0.0 < half < math.inf:
        return None
    low, high = LEAST_BATCH * noise / coherent, MOST_BATCH * noise / coherent
    if not rate(low) < half < rate(high):
        return None
    while high > low * (1.0 + BATCH_TOLERANCE):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if rate(middle) < half else (low, middle)
    return math.sqrt(low * high)


def _steps(case: Case) -> Sequence[tuple[Reason, Effective]]:
    loss, logits = case.training.loss, case.logits
    mean, single = loss.factor(logits), loss.noise_factor(logits)
    coherent = math.fsum(layer.coherent for layer in case.layers)
    trace = math.fsum(layer.trace for layer in case.layers)
    share = structured_share(
        case.layers,
        case.law,
        normalisers=case.normalisers,
        over_batch=case.over_batch,
        outputs=logits.outputs,
    )
    structured = coherent + share * (trace - coherent)
    kurtosis = 1.0 if case.normalisers or case.law.norm_kurtosis is None else case.law.norm_kurtosis
    along, data_along = (_along(case, part) for part in (0.0, share))
    start = Effective(min(mean * math.fsum(along), case.largest), 0.0)
    anew = Effective(start.coherent, max(single * trace - mean * coherent, 0.0))
    data = Effective(
        min(mean * math.fsum(data_along), case.largest), max(single * kurtosis * trace - mean * structured, 0.0)
    )
    return (
        ("curvature", start),
        ("minibatch", anew),
        ("data", data),
        ("targets", _fitted(case, data, data_along)),
    )


def _along(case: Case, share: float) -> list[float]:
    """Return each layer's curvature along the samples' common direction and the best combination of outputs.

    The gradients of C outputs are orthogonal in the last weights. Below, they pass the narrowest hidden layer, whose N units
    give the best combination the edge of a Gram matrix: (1 + sqrt(C/N))^2. Statistics over the batch take the mean gradients
    away that outputs share.
    """
    outputs = case.logits.outputs
    best = 1.0 if outputs == 1 or case.over_batch else (1.0 + math.sqrt(outputs / case.narrowest)) ** 2
    last = max((place for place, layer in enumerate(case.layers) if layer.has_weights), default=-1)
    return [
        (1.0 if place == last else best) * (layer.coherent + share * (layer.trace - layer.coherent))
        for place, layer in enumerate(case.layers)
    ]


def _fitted(case: Case, data: Effective, along: Sequence[float]) -> Effective:
    """Return the curvature where the outputs fit their targets.

    Without a normaliser nothing bounds what the layers grow to until probabilities fit, and the loss is steep for the samples
    in doubt then; otherwise the curvature grows by a factor.
    """
    loss = case.training.loss
    fitted = loss.fitted(case.logits.outputs, case.training.target_scale)
    if loss.diverges or case.normalisers:
        before = loss.factor(case.logits) * math.fsum(along)
        part = data.coherent / before if before > 0.0 else 1.0
        layers = [
            GrowingLayer(part * own, layer.gain, rescaled=layer.rescaled)
            for own, layer in zip(along, case.layers, strict=True)
        ]
        start = part * math.fsum(along)
        factor = grown(layers, fitted.size) / start if start > 0.0 else 1.0
        grows = Effective(factor * data.coherent, factor * data.noise)
        if loss.diverges:
            return _saturated(case, data, grows)
        noise = fitted.single * factor * math.fsum(layer.trace for layer in case.layers) - grows.coherent
        return Effective(grows.coherent, max(grows.noise, noise))
    told_by = max(shared_direction(case.law), CLASS_SHARE)
    layers = [
        GrowingLayer(told_by * (layer.trace - layer.coherent), layer.gain, rescaled=layer.rescaled)
        for layer in case.layers
    ]
    coherent = fitted.factor * grown(layers, fitted.size)
    if coherent <= data.coherent:
        return data
    return Effective(coherent, max(data.noise, fitted.spread * coherent))


def _saturated(case: Case, data: Effective, grows: Effective) -> Effective:
    """Return the curvature between that which layers grow to and that of the last layer on features at their bounds.

    Where bounded units saturate they pass no gradient on. What is left is the last layer with features of |h|^2 at most, the same
    for all samples at worst: nothing explodes below its rate. Between the two rates what units can tell apart wears off; deep
    networks still learned at a third of the way in the logarithm (``SATURATED``), not at half of it.
    """
    if not math.isfinite(case.features):
        return grows
    most = max(data.coherent, case.training.loss.factor(case.logits) * (case.features + 1.0))
    if most >= grows.coherent:
        return grows
    return Effective(
        most**SATURATED * grows.coherent ** (1.0 - SATURATED), data.noise**SATURATED * grows.noise ** (1.0 - SATURATED)
    )


def _rate(training: Training, effective: Effective) -> float:
    noise = 0.0 if training.step_samples is None else effective.noise / training.step_samples
    return training.optimizer.stable_rate(LayerwiseCurvature(effective.coherent, noise, ()))
