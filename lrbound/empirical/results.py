"""What `lrbound boundary` returns. Nothing here imports torch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lrbound.prediction import SCHEMA_VERSION

if TYPE_CHECKING:
    from lrbound.notices import Notice
    from lrbound.prediction import Prediction


@dataclass(frozen=True)
class TrainedOn:
    """What the networks were trained on.

    Attributes
    ----------
    data : str
        Where the samples come from.
    samples, steps : int
    seeds : tuple of int
    """

    data: str
    samples: int
    steps: int
    seeds: tuple[int, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the object in the JSON of both commands."""
        return {"data": self.data, "samples": self.samples, "steps": self.steps, "seeds": list(self.seeds)}


@dataclass(frozen=True)
class BoundaryResult:
    """The rate at which training diverges, beside the prediction.

    Attributes
    ----------
    prediction : Prediction
    training : TrainedOn
    learning_rate : float or None
        Median over seeds; None where half of them or more have no boundary.
    values : tuple of (float or None)
        The boundary of each seed.
    onset : float or None
        Median over seeds of the rate from which the loss grows in the first steps.
    warnings : tuple of Notice
        With a reason for every None.
    """

    prediction: Prediction
    training: TrainedOn
    learning_rate: float | None
    values: tuple[float | None, ...]
    onset: float | None
    warnings: tuple[Notice, ...]

    @property
    def ratio(self) -> float | None:
        """Boundary / max_learning_rate: below 1 the prediction is unsafe."""
        return _ratio(self.learning_rate, self.prediction.max_learning_rate)

    @property
    def ratio_curvature(self) -> float | None:
        """Boundary / bounds.curvature."""
        return _ratio(self.learning_rate, self.prediction.bounds.curvature)

    def to_json(self) -> dict[str, Any]:
        """Return the object that `lrbound boundary --format json` prints."""
        return {
            "schema_version": SCHEMA_VERSION,
            "prediction": self.prediction.to_json(),
            "boundary": {"learning_rate": self.learning_rate, "values": list(self.values), "onset": self.onset},
            "ratio": self.ratio,
            "ratio_curvature": self.ratio_curvature,
            "training": self.training.to_json(),
            "warnings": [notice.to_json() for notice in self.warnings],
        }


@dataclass(frozen=True)
class GridRow:
    """One value of the knob.

    Attributes
    ----------
    value : float
    prediction : Prediction
    published : float or None
        The rate that the formulas of 2019 give, where they apply.
    losses : tuple of (float or None)
        Final loss at every rate of the grid, median over seeds; None where half of the seeds or more exploded.
    diverged : tuple of bool
        Whether half of the seeds or more diverged at every rate: they exploded or collapsed.
    """

    value: float
    prediction: Prediction
    published: float | None
    losses: tuple[float | None, ...]
    diverged: tuple[bool, ...]


@dataclass(frozen=True)
class Grid:
    """The final loss over rates and one knob: the data behind the heat map.

    Attributes
    ----------
    name : str
        Of the network.
    knob : str
        As the user named it.
    path : str
        The path in the spec that it denotes.
    rates : tuple of float
    rows : tuple of GridRow
    training : TrainedOn
    """

    name: str
    knob: str
    path: str
    rates: tuple[float, ...]
    rows: tuple[GridRow, ...]
    training: TrainedOn

    def boundary(self, row: GridRow) -> float | None:
        """Return the geometric middle of the first rate that diverged and the one below; None where it is not seen."""
        first = row.diverged.index(True) if any(row.diverged) else 0
        return math.sqrt(self.rates[first - 1] * self.rates[first]) if first else None

    def to_json(self) -> dict[str, Any]:
        """Return the object that `lrbound boundary --sweep --format json` prints."""
        return {
            "schema_version": SCHEMA_VERSION,
            "name": self.name,
            "knob": self.path,
            "learning_rates": list(self.rates),
            "points": [self._point(row) for row in self.rows],
            "training": self.training.to_json(),
        }

    def _point(self, row: GridRow) -> dict[str, Any]:
        boundary = self.boundary(row)
        return {
            "values": {self.path: row.value},
            "max_learning_rate": row.prediction.max_learning_rate,
            "bounds": {
                "curvature": row.prediction.bounds.curvature,
                "minibatch": row.prediction.bounds.minibatch,
                "wei2019": row.published,
            },
            "boundary": boundary,
            "ratio": _ratio(boundary, row.prediction.max_learning_rate),
            "ratio_curvature": _ratio(boundary, row.prediction.bounds.curvature),
            "losses": list(row.losses),
            "diverged": list(row.diverged),
        }


def _ratio(value: float | None, prediction: float | None) -> float | None:
    return value / prediction if value is not None and prediction else None
