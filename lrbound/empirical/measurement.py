"""What a measurement found, next to what was predicted."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lrbound.prediction import SCHEMA_VERSION

if TYPE_CHECKING:
    from lrbound.prediction import Prediction


@dataclass(frozen=True)
class Sample:
    """One initialisation.

    Attributes
    ----------
    lambda_max : float
        Largest eigenvalue of the Gauss-Newton matrix of the loss over the batch.
    parts : dict of str to float
        Part of each layer's parameters in it, by path; they add up to it.
    """

    lambda_max: float
    parts: dict[str, float]


@dataclass(frozen=True)
class LayerMeasurement:
    """A layer's predicted part of lambda_max beside the mean of the measured ones."""

    path: str
    layer: str
    parameters: int
    predicted: float
    measured: float


@dataclass(frozen=True)
class Measurement:
    """Measured initialisations of a network next to its prediction.

    Attributes
    ----------
    prediction : Prediction
    samples : tuple of Sample
        At least one.
    batch_size : int
        Samples in the batch of each.
    per_layer : bool
        Whether the layers' parts are shown.
    """

    prediction: Prediction
    samples: tuple[Sample, ...]
    batch_size: int
    per_layer: bool = False

    @property
    def values(self) -> tuple[float, ...]:
        """Each initialisation's lambda_max."""
        return tuple(sample.lambda_max for sample in self.samples)

    @property
    def mean(self) -> float:
        """Mean over the initialisations."""
        return statistics.fmean(self.values)

    @property
    def std(self) -> float | None:
        """Standard deviation over the initialisations; None where there is only one."""
        return statistics.stdev(self.values) if len(self.values) > 1 else None

    @property
    def ratio(self) -> float:
        """Predicted divided by measured."""
        return self.prediction.lambda_max / self.mean if self.mean > 0 else math.inf

    @property
    def inside_interval(self) -> int | None:
        """How many values lie in the predicted interval; None where there is none."""
        interval = self.prediction.lambda_max_interval
        if interval is None:
            return None
        return sum(interval[0] <= value <= interval[1] for value in self.values)

    @property
    def layers(self) -> tuple[LayerMeasurement, ...]:
        """Every layer with parameters, in the order of the prediction."""
        return tuple(
            LayerMeasurement(
                layer.path,
                layer.layer,
                layer.parameters,
                layer.lambda_,
                statistics.fmean(sample.parts.get(layer.path, 0.0) for sample in self.samples),
            )
            for layer in self.prediction.layers
            if layer.parameters
        )

    def to_json(self) -> dict[str, Any]:
        """Return the object that `lrbound measure --format json` prints."""
        result: dict[str, Any] = {
            "schema_version": SCHEMA_VERSION,
            "prediction": self.prediction.to_json(),
            "measured": {
                "lambda_max": self.mean,
                "std": self.std,
                "values": list(self.values),
                "inside_interval": self.inside_interval,
            },
            "ratio": self.ratio,
        }
        if self.per_layer:
            result["layers"] = [
                {
                    "path": layer.path,
                    "layer": layer.layer,
                    "parameters": layer.parameters,
                    "predicted": layer.predicted,
                    "measured": layer.measured,
                }
                for layer in self.layers
            ]
        return result
