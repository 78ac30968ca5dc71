"""The answer: what `predict` returns, with the names that its JSON has."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from lrbound.markup import html_table, rounded

if TYPE_CHECKING:
    from lrbound.network import Training
    from lrbound.notices import Notice
    from lrbound.rate.confidence import Confidence

SCHEMA_VERSION = 2

SHOWN = 10
"""Layers that a notebook shows."""
MOSTLY_FAILS = 10.0
"""Multiple of ``max_learning_rate`` at which nine in ten networks with a loss that diverges failed (lrbound/theory/rates.md,
section 12)."""


def at_most(rate: float) -> str:
    """Return a rate with 3 digits, rounded down: what is copied from an answer is not above it."""
    text = f"{rate:.3g}"
    if not float(text) > rate > 0.0 or not math.isfinite(rate):
        return text
    return f"{float(text) - 10.0 ** (math.floor(math.log10(rate)) - 2):.3g}"


@dataclass(frozen=True)
class LayerReport:
    """Order parameters of one layer's output and its part of lambda_max.

    Attributes
    ----------
    path : str
        Where the layer stands in the spec; copy i of a repeat reads ``layers.3.repeat[i].layers.0``.
    layer : str
        Kind of the layer.
    parameters : int
        Number of its learnable parameters.
    q : float
        Mean square of a unit of the output, averaged over positions.
    q_xy : float
        The same product between two different samples at the same position.
    lambda_ : float
        The layer's own part of ``lambda_max``; 0 for a layer without parameters.
    gradient : float or None
        Mean square E |df/dh|^2 of the gradient of one output f of the network with respect to all units and positions h of the
        layer's output; None for the published formulas.
    weight_std : float or None
        Standard deviation of the layer's weights; None for a layer without weights, and for the published formulas.
    """

    path: str
    layer: str
    parameters: int
    q: float
    q_xy: float
    lambda_: float
    gradient: float | None = None
    weight_std: float | None = None


@dataclass(frozen=True)
class Assumptions:
    """What the numbers hold for.

    Attributes
    ----------
    training : Training
        Loss, batch size and optimiser; they know their words.
    batch_statistics : str
        Whether gradients run through the batch statistics (``through``) or not (``frozen``).
    outputs, parameters : int
        How many the network has.
    """

    training: Training
    batch_statistics: str
    outputs: int
    parameters: int

    @property
    def loss(self) -> str:
        """The loss's name in a spec."""
        return self.training.loss.kind

    @property
    def optimizer(self) -> str:
        """The optimiser's name in a spec."""
        return self.training.optimizer.kind

    @property
    def batch_size(self) -> int | None:
        """Samples in one step; None for a full batch."""
        return self.training.batch_size


@dataclass(frozen=True)
class Bounds:
    """Largest stable rates: ``curvature`` with the stated batch repeated, ``minibatch`` with a new batch in each step."""

    curvature: float | None
    minibatch: float | None


@dataclass(frozen=True)
class Prediction:
    """Largest curvature of a network at initialisation, and the learning rates that follow.

    Attributes
    ----------
    name, method : str
    assumptions : Assumptions
    lambda_max : float
        Largest eigenvalue of the Gauss-Newton matrix of the stated loss over one batch: mean over initialisations.
    lambda_max_interval : tuple of float, or None
        Where 90 % of single initialisations fall.
    max_learning_rate : float or None
        The largest rate that training is expected to survive for its first few hundred steps.
    recommended_learning_rate : float or None
        The rate to start with.
    bounds : Bounds
    layers : tuple of LayerReport
    warnings : tuple of Notice
    hint : str
        Which layer dominates and what would lower lambda_max; empty for the published formulas.
    limited_by : str or None
        What lowers ``max_learning_rate`` most: ``curvature``, ``minibatch``, ``data`` or ``targets``; None without a rate.
    confidence : Confidence or None
        How far ``max_learning_rate`` can be trusted, and why.
    critical_batch_size : float or None
        Samples in a batch at which the largest rate is half of that of a full batch with the same order parameters: well
        below it the rate grows in proportion to the batch, far above it no longer. None where it does not apply.
    first_step_learning_rate : float or None
        Of an adaptive optimiser: the rate above which the first step raises the loss. Not a limit of stability.
    """

    name: str
    method: str
    assumptions: Assumptions
    lambda_max: float
    lambda_max_interval: tuple[float, float] | None
    max_learning_rate: float | None
    recommended_learning_rate: float | None
    bounds: Bounds
    layers: tuple[LayerReport, ...]
    warnings: tuple[Notice, ...]
    hint: str = ""
    limited_by: str | None = None
    confidence: Confidence | None = None
    critical_batch_size: float | None = None
    first_step_learning_rate: float | None = None

    @property
    def advice(self) -> str | None:
        """What to do, in a sentence; None without a rate."""
        largest, start = self.max_learning_rate, self.recommended_learning_rate
        if self.first_step_learning_rate is not None:
            first = f"{at_most(self.first_step_learning_rate)} raises the loss. Not a stability limit."
            begin = "" if start is None else f"Start at {at_most(start)}. "
            return f"{begin}Without warm-up, a first step larger than {first}"
        if largest is None or start is None:
            return None
        fails = (
            f"; {MOSTLY_FAILS * largest:.2g} will most likely not" if self.assumptions.training.loss.diverges else ""
        )
        return f"Start at {at_most(start)}; up to {at_most(largest)} should hold{fails}."

    def on_multiple(self, times: float, slower: float, assumptions: Assumptions) -> Prediction:
        """Return the prediction for ``times`` the loss, whose rates are ``slower`` times smaller."""

        def rate(value: float | None) -> float | None:
            return None if value is None else value / slower

        interval = self.lambda_max_interval
        return replace(
            self,
            assumptions=assumptions,
            lambda_max=times * self.lambda_max,
            lambda_max_interval=None if interval is None else (times * interval[0], times * interval[1]),
            max_learning_rate=rate(self.max_learning_rate),
            recommended_learning_rate=rate(self.recommended_learning_rate),
            first_step_learning_rate=rate(self.first_step_learning_rate),
            bounds=Bounds(rate(self.bounds.curvature), rate(self.bounds.minibatch)),
            layers=tuple(replace(layer, lambda_=times * layer.lambda_) for layer in self.layers),
        )

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the advice, the rates and the layers with the largest parts."""
        rates = (
            ("max learning rate", self.max_learning_rate),
            ("recommended learning rate", self.recommended_learning_rate),
            ("first-step learning rate", self.first_step_learning_rate),
            ("lambda_max", self.lambda_max),
        )
        answer = [[name, rounded(value)] for name, value in rates if value is not None]
        largest = sorted((layer for layer in self.layers if layer.lambda_ > 0.0), key=lambda one: -one.lambda_)[:SHOWN]
        rows = [[f"{one.path} ({one.layer})", rounded(one.lambda_), rounded(one.q)] for one in largest]
        advice = self.advice or "no rate follows"
        return html_table((self.name, advice), answer) + html_table(("layer", "lambda", "q"), rows)

    def to_json(self) -> dict[str, Any]:
        """Return the object that `lrbound predict --format json` prints."""
        a = self.assumptions
        return {
            "schema_version": SCHEMA_VERSION,
            "name": self.name,
            "method": self.method,
            "assumptions": {
                "loss": a.loss,
                "batch_size": "full" if a.batch_size is None else a.batch_size,
                "batch_statistics": a.batch_statistics,
                **a.training.optimizer.to_json(),
                "outputs": a.outputs,
                "parameters": a.parameters,
            },
            "lambda_max": self.lambda_max,
            "lambda_max_interval": None if self.lambda_max_interval is None else list(self.lambda_max_interval),
            "max_learning_rate": self.max_learning_rate,
            "recommended_learning_rate": self.recommended_learning_rate,
            "first_step_learning_rate": self.first_step_learning_rate,
            "limited_by": self.limited_by,
            "confidence": None if self.confidence is None else self.confidence.level,
            "advice": self.advice,
            "critical_batch_size": self.critical_batch_size,
            "bounds": {"curvature": self.bounds.curvature, "minibatch": self.bounds.minibatch},
            "layers": [
                {
                    "path": layer.path,
                    "layer": layer.layer,
                    "parameters": layer.parameters,
                    "q": layer.q,
                    "q_xy": layer.q_xy,
                    "lambda": layer.lambda_,
                    "gradient": layer.gradient,
                    "weight_std": layer.weight_std,
                }
                for layer in self.layers
            ],
            "hint": self.hint,
            "warnings": [notice.to_json() for notice in self.warnings],
        }


def with_rates_of(start: Prediction, later: Prediction) -> Prediction:
    """Return what holds at the start of training with the rates of the network a step later, where these are smaller."""
    first, second = start.max_learning_rate, later.max_learning_rate
    if first is not None and second is not None and first <= second:
        return start
    return replace(
        start,
        max_learning_rate=second,
        recommended_learning_rate=later.recommended_learning_rate,
        limited_by=later.limited_by,
        confidence=later.confidence,
        critical_batch_size=later.critical_batch_size,
        first_step_learning_rate=later.first_step_learning_rate,
    )
