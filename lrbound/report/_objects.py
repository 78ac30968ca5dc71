"""The JSON objects of sweeps, solutions, comparisons and statistics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lrbound.notices import Notice, short
from lrbound.prediction import SCHEMA_VERSION

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lrbound.explore.compare import Comparison, Contrast
    from lrbound.explore.normaliser_table import NormaliserTable, Row
    from lrbound.explore.portrait import Curve
    from lrbound.explore.solve import Solution, Solutions
    from lrbound.explore.statistics import Statistics
    from lrbound.explore.sweep import Sweep
    from lrbound.explore.transfer import Transfer
    from lrbound.report.base import Finding


def finding(found: Finding) -> dict[str, Any]:
    """Return the object of a notice with its place in a spec; line and column are null where they are not known."""
    return {**found.notice.to_json(), "line": found.line or None, "column": found.column or None}


def sweep(result: Sweep) -> dict[str, Any]:
    """Return the object of ``lrbound sweep``."""
    missing = any(number is None for point in result.points for number in point.answer)
    null = (Notice("LRB060", "numbers are null where nothing is predicted"),) if missing and not result.warnings else ()
    return {
        "schema_version": SCHEMA_VERSION,
        "knobs": list(result.knobs),
        "points": [
            {
                "name": point.spec,
                "values": dict(zip(result.knobs, point.values, strict=True)),
                **point.answer._asdict(),
            }
            for point in result.points
        ],
        "warnings": _listed((*result.warnings, *null)),
    }


def curve(found: Curve) -> dict[str, Any]:
    """Return the object of one knob of ``lrbound report``."""
    points = zip(found.values, found.answers, strict=True)
    return {
        "knob": found.knob,
        "here": found.here,
        "points": [{"value": value, **answer._asdict()} for value, answer in points],
    }


def solutions(result: Solutions) -> dict[str, Any]:
    """Return the object of ``lrbound solve``."""
    return {
        "schema_version": SCHEMA_VERSION,
        "name": result.name,
        "vary": result.vary,
        "learning_rate": result.learning_rate,
        "range": list(result.span),
        "solutions": [_solution(one) | {"stable": one.stable} for one in result.solutions],
        "nearest": None if result.nearest is None else _solution(result.nearest),
        "reason": result.reason,
        "warnings": _listed(result.warnings),
    }


def _solution(one: Solution) -> dict[str, Any]:
    return {"value": one.value, "max_learning_rate": one.max_learning_rate}


def comparison(result: Comparison) -> dict[str, Any]:
    """Return the object of ``lrbound compare``."""
    return {
        "schema_version": SCHEMA_VERSION,
        "specs": [prediction.to_json() for prediction in result.predictions],
        "baseline": result.predictions[0].name,
        "contrasts": [_contrast(contrast) for contrast in result.contrasts],
        "warnings": [],
    }


def _contrast(contrast: Contrast) -> dict[str, Any]:
    return {
        "name": contrast.name,
        "rate_ratio": contrast.rate_ratio,
        "curvature_ratio": contrast.curvature_ratio,
        "rest": contrast.rest,
        "differences": [
            {
                "paths": list(effect.paths),
                "what": effect.what,
                "before": effect.before,
                "after": effect.after,
                "rate_factor": effect.rate_factor,
            }
            for effect in contrast.effects
        ],
        "layers": [
            {"path": part.path, "layer": part.layer, "lambda_baseline": part.baseline, "lambda": part.own}
            for part in contrast.parts
        ],
    }


def normalizers(result: NormaliserTable) -> dict[str, Any]:
    """Return the object of ``lrbound compare --normalizers``; the specs have the names of their normalisers."""
    return {
        "schema_version": SCHEMA_VERSION,
        "name": result.name,
        "specs": [row.prediction.to_json() for row in result.rows if row.prediction is not None],
        "baseline": result.rows[0].normalizer,
        "normalizers": [_row(row) for row in result.rows],
        "note": result.note,
        "warnings": _listed((*result.warnings, *_undefined(result))),
    }


def _undefined(result: NormaliserTable) -> tuple[Notice, ...]:
    rows = (row for row in result.rows if row.reason)
    return tuple(Notice("LRB061", short(row.reason or ""), where=row.normalizer) for row in rows)


def _listed(notices: Iterable[Notice]) -> list[dict[str, Any]]:
    return [notice.to_json() for notice in notices]


def _row(row: Row) -> dict[str, Any]:
    return {
        "normalizer": row.normalizer,
        "settings": row.settings,
        "lambda_max": None if row.prediction is None else row.prediction.lambda_max,
        "max_learning_rate": None if row.prediction is None else row.prediction.max_learning_rate,
        "ratio": row.ratio,
        "batch_sizes": [
            {"batch_size": at.batch_size, "max_learning_rate": at.max_learning_rate, "reason": at.reason}
            for at in row.rates
        ],
        "why": row.why,
        "reason": row.reason,
    }


def statistics(result: Statistics) -> dict[str, Any]:
    """Return the object of ``lrbound stats``."""
    return {
        "schema_version": SCHEMA_VERSION,
        "samples": result.samples,
        "shape": list(result.shape),
        "mean_square": result.mean_square,
        "correlation": result.correlation,
        "top_share": result.top_share,
        "centred_share": result.centred_share,
        "norm_kurtosis": result.norm_kurtosis,
        "mean_share": result.mean_share,
        "channel_correlation": result.channel_correlation,
        "features": result.features,
        "target_scale": result.target_scale,
        "target_mean_share": result.target_mean_share,
        "classes": result.classes,
        "warnings": _listed(result.warnings),
    }


def transfer(result: Transfer) -> dict[str, Any]:
    """Return the object of ``lrbound transfer``."""
    return {
        "schema_version": SCHEMA_VERSION,
        "base_learning_rate": result.base_rate,
        "learning_rate": result.learning_rate,
        "ratio": result.ratio,
        "base": result.base.to_json(),
        "new": result.new.to_json(),
        "warnings": _listed(result.warnings),
    }
