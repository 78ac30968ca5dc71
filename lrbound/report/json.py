"""``json``: the objects of the interface, for programs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

from lrbound.notices import Notice
from lrbound.prediction import SCHEMA_VERSION
from lrbound.report import _objects as objects
from lrbound.report import _words as words
from lrbound.report.base import CheckResult, Report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrbound.empirical.measurement import Measurement
    from lrbound.empirical.results import BoundaryResult, Grid
    from lrbound.explore.compare import Comparison
    from lrbound.explore.normaliser_table import NormaliserTable
    from lrbound.explore.portrait import Portrait
    from lrbound.explore.solve import Solutions
    from lrbound.explore.statistics import Statistics
    from lrbound.explore.sweep import Sweep
    from lrbound.explore.transfer import Transfer
    from lrbound.prediction import Prediction
    from lrbound.report.base import Checked, Predicted


class JsonReport(Report):
    """JSON as RFC 8259 has it: a number that is not finite becomes null, and a warning says so."""

    holds_warnings: ClassVar[bool] = True

    def prediction(self, prediction: Prediction) -> str:
        """Return the object of ``lrbound predict``."""
        return _dumps(_finite(prediction.to_json()))

    def checks(self, checked: Sequence[Checked]) -> str:
        """Return the object of ``lrbound check``; of several specs, a list of them under ``specs``."""
        if len(checked) == 1 and isinstance(checked[0], CheckResult):
            return _dumps(self._check(checked[0]))
        specs = [
            {
                "spec": one.spec,
                "outcome": words.outcome(one).replace(" ", "_"),
                "check": self._check(one) if isinstance(one, CheckResult) else None,
                "findings": [objects.finding(finding) for finding in one.findings],
            }
            for one in checked
        ]
        ok = all(one.ok if isinstance(one, CheckResult) else one.skipped for one in checked)
        return _dumps({"schema_version": SCHEMA_VERSION, "ok": ok, "specs": specs})

    def _check(self, result: CheckResult) -> dict[str, Any]:
        lost: list[Notice] = []
        head = {
            "schema_version": SCHEMA_VERSION,
            "ok": result.ok,
            "learning_rate": result.learning_rate,
            "max_learning_rate": result.max_learning_rate,
            "ratio": result.ratio,
            "level": result.level or "ok",
            "fail_above": result.max_learning_rate if result.fail_above is None else result.fail_above,
        }
        head = _nulled(head, "", lost)
        return {**head, "prediction": _finite(result.prediction.to_json(), lost)}

    def measurement(self, result: Measurement) -> str:
        """Return the object of ``lrbound measure``."""
        lost: list[Notice] = []
        whole = result.to_json()
        prediction = whole.pop("prediction")
        version, *rest = _nulled(whole, "", lost).items()
        return _dumps(dict([version, ("prediction", _finite(prediction, lost)), *rest]))

    def boundary(self, result: BoundaryResult) -> str:
        """Return the object of ``lrbound boundary``."""
        whole = result.to_json()
        prediction = _finite(whole.pop("prediction"))
        version, *rest = _finite(whole).items()
        return _dumps(dict([version, ("prediction", prediction), *rest]))

    def boundary_sweep(self, grid: Grid) -> str:
        """Return the object of ``lrbound boundary --sweep``."""
        return _dumps(_finite({**grid.to_json(), "warnings": []}))

    def sweep(self, result: Sweep) -> str:
        """Return the object of ``lrbound sweep``."""
        return _dumps(_finite(objects.sweep(result)))

    def solutions(self, result: Solutions) -> str:
        """Return the object of ``lrbound solve``."""
        return _dumps(_finite(objects.solutions(result)))

    def comparison(self, result: Comparison) -> str:
        """Return the object of ``lrbound compare``."""
        whole = objects.comparison(result)
        return _dumps(_finite({**whole, "specs": [_finite(spec) for spec in whole["specs"]]}))

    def normalizers(self, result: NormaliserTable) -> str:
        """Return the object of ``lrbound compare --normalizers``."""
        whole = objects.normalizers(result)
        return _dumps(_finite({**whole, "specs": [_finite(spec) for spec in whole["specs"]]}))

    def statistics(self, result: Statistics) -> str:
        """Return the object of ``lrbound stats``."""
        return _dumps(_finite(objects.statistics(result)))

    def predictions(self, predicted: Sequence[Predicted]) -> str:
        """Return the object of ``lrbound predict`` with several batch sizes or specs.

        Of one spec it has a list under ``predictions``; of several, a list of these under ``specs``.
        """
        each = [[_finite(prediction.to_json()) for prediction in one.predictions] for one in predicted]
        if len(predicted) == 1 and not predicted[0].findings:
            return _dumps({"schema_version": SCHEMA_VERSION, "predictions": each[0]})
        specs = [
            {"spec": one.spec, "predictions": found, "findings": [objects.finding(f) for f in one.findings]}
            for one, found in zip(predicted, each, strict=True)
        ]
        return _dumps({"schema_version": SCHEMA_VERSION, "specs": specs})

    def transfer(self, result: Transfer) -> str:
        """Return the object of ``lrbound transfer``."""
        return _dumps(_finite(objects.transfer(result)))

    def portraits(self, portraits: Sequence[Portrait]) -> str:
        """Return the object of ``lrbound report``: a list under ``specs``, each a prediction with its curves."""
        found = [
            {
                "spec": one.spec,
                "learning_rate": one.learning_rate,
                "prediction": _finite(one.prediction.to_json()),
                "curves": [objects.curve(curve) for curve in one.curves],
            }
            for one in portraits
        ]
        return _dumps({"schema_version": SCHEMA_VERSION, "specs": found})


def _finite(prediction: dict[str, Any], lost: list[Notice] | None = None) -> dict[str, Any]:
    lost = [] if lost is None else lost
    clean: dict[str, Any] = _nulled(prediction, "", lost)
    clean["warnings"] = [*clean["warnings"], *(notice.to_json() for notice in lost)]
    return clean


def _nulled(value: Any, path: str, lost: list[Notice]) -> Any:
    """Return ``value`` with null for every number that is not finite, and add a notice to ``lost`` for each."""
    if isinstance(value, dict):
        return {key: _nulled(item, f"{path}.{key}" if path else key, lost) for key, item in value.items()}
    if isinstance(value, list):
        return [_nulled(item, f"{path}[{index}]", lost) for index, item in enumerate(value)]
    if isinstance(value, float) and not math.isfinite(value):
        lost.append(Notice("LRB014", f"{path} is null: its value is {value}, which JSON cannot hold"))
        return None
    return value


def _dumps(value: dict[str, Any]) -> str:
    import json

    return json.dumps(value, indent=2, allow_nan=False)
