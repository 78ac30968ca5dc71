"""The largest rate that the first few hundred steps of training survive, and what sets it.

The curvature at initialisation is where training starts, not what it meets. Four things raise it, and each is a step of the
rule below:

    curvature   that of all samples together, of the layers whose scale matters, and of the best combination of outputs
    minibatch   what it varies by from batch to batch
    data        what the samples share beside their mean (:mod:`lrbound.rate.structure`)
    targets     what the layers grow by until the outputs fit (:mod:`lrbound.rate.growth`)

Status: the steps are derived as far as their files say. Four constants are fitted, on trained networks that a hash chose to be
looked at; lrbound/theory/rates.md, section 12, has them and how the rule did on the networks that were held out.
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

MARGIN = 0.85
"""What is left of the rate of the rule, fitted: without it 7 of 89 trained networks that were looked at failed below the rate, at
0.84 or more of it."""
START = 0.7
"""Rate to start with by the largest that is survived: the loss after 300 steps was within twice the best in two thirds of
these networks, and the median within 1.5 times."""
CLASS_SHARE = 0.1
"""Least share of what differs between samples that lies in a direction that classes can be told by; fitted."""
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
    """

    layers: tuple[Exposed, ...]
    law: Input
    training: Training
    logits: Logits
    narrowest: float
    normalisers: int
    over_batch: bool


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
    return Survival(MARGIN * above, reason if drop > WORTH_NAMING else "curvature", critical)


def critical_batch_size(training: Training, effective: Effective) -> float | None:
    """Return the batch size at which the noise halves the largest rate; None where there is none.

    The curvature of a step has the mean K and the variance K N/B. For heavy ball the largest rate is that of a full batch
    divided by 1 + B_c/B,

        rate(B) = 2 (1 + mu)/(K + (1 + mu)/(1 - mu) N/B),    B_c = (1 + mu)/(1 - mu) N/K.

    Well below B_c it is proportional to B; above, a larger batch buys less than a factor of 2, and nothing in the limit.
    For other optimisers B_c is where their own rule gives half of the rate of a full batch, by bisection. K and N do not
    depend on B as long as the order parameters do not: statistics over the batch are those of the stated batch.
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
    combined = _best_outputs(case)
    share = structured_share(
        case.layers,
        case.law,
        normalisers=case.normalisers,
        over_batch=case.over_batch,
        outputs=logits.outputs,
    )
    structured = coherent + share * (trace - coherent)
    kurtosis = 1.0 if case.normalisers or case.law.norm_kurtosis is None else case.law.norm_kurtosis
    start = Effective(mean * combined * coherent, 0.0)
    anew = Effective(start.coherent, max(single * trace - mean * coherent, 0.0))
    data = Effective(mean * combined * structured, max(single * kurtosis * trace - mean * structured, 0.0))
    return (
        ("curvature", start),
        ("minibatch", anew),
        ("data", data),
        ("targets", _fitted(case, data, combined, share)),
    )


def _fitted(case: Case, data: Effective, combined: float, share: float) -> Effective:
    """Return the curvature where the outputs fit their targets.

    Without a normaliser nothing bounds what the layers grow to until probabilities fit, and the loss is steep for the samples
    in doubt then; otherwise the curvature grows by a factor.
    """
    loss = case.training.loss
    fitted = loss.fitted(case.logits.outputs, case.training.target_scale)
    if loss.diverges or case.normalisers:
        layers = [
            GrowingLayer(combined * (layer.coherent + share * (layer.trace - layer.coherent)), layer.gain)
            for layer in case.layers
        ]
        before = math.fsum(layer.curvature for layer in layers)
        factor = grown(layers, fitted.size) / before if before > 0.0 else 1.0
        return Effective(factor * data.coherent, factor * data.noise)
    told_by = max(shared_direction(case.law), CLASS_SHARE)
    layers = [GrowingLayer(told_by * (layer.trace - layer.coherent), layer.gain) for layer in case.layers]
    coherent = fitted.factor * grown(layers, fitted.size)
    if coherent <= data.coherent:
        return data
    return Effective(coherent, max(data.noise, fitted.spread * coherent))


def _best_outputs(case: Case) -> float:
    """Return what the best combination of C outputs has more than one: the edge of their Gram matrix through N units.

    Statistics over the batch take the mean gradients away that outputs share.
    """
    outputs = case.logits.outputs
    if outputs == 1 or case.over_batch:
        return 1.0
    return (1.0 + math.sqrt(outputs / case.narrowest)) ** 2


def _rate(training: Training, effective: Effective) -> float:
    noise = 0.0 if training.step_samples is None else effective.noise / training.step_samples
    return training.optimizer.stable_rate(LayerwiseCurvature(effective.coherent, noise, ()))
