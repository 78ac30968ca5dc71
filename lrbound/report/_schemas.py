"""JSON Schemas of what ``--format json`` prints, by command.

The rule of versions: within one ``schema_version`` keys may come, so readers ignore those that they do not know; a key that goes or is
renamed, and a value of another type or meaning, make it the next one. A quantity that does not apply is null, with the reason among the
warnings; it is never left out.
"""

from __future__ import annotations

from typing import Any

from lrbound.prediction import SCHEMA_VERSION

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
NUMBER: Schema = {"type": "number"}
INTEGER: Schema = {"type": "integer"}
TEXT: Schema = {"type": "string"}
FLAG: Schema = {"type": "boolean"}
VERSION: Schema = {"const": SCHEMA_VERSION}


def outputs() -> tuple[str, ...]:
    """Return the commands that print JSON."""
    return tuple(BUILDERS)


def output_schema(command: str) -> Schema:
    """Return the schema of a command's JSON."""
    return {"$schema": DIALECT, "title": f"lrbound {command} --format json", **BUILDERS[command], "$defs": DEFINITIONS}


def _null(inner: Schema) -> Schema:
    return {"anyOf": [inner, {"type": "null"}]}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _object(optional: tuple[str, ...] = (), **properties: Schema) -> Schema:
    """Return the schema of an object that has these keys, but perhaps for some, and may have others."""
    named = {name.removesuffix("_"): schema for name, schema in properties.items()}
    return {"type": "object", "properties": named, "required": [name for name in named if name not in optional]}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


MAYBE = _null(NUMBER)
WARNINGS = _list(_ref("notice"))
PREDICTION = _ref("prediction")
FINDINGS = _list(_ref("finding"))

_NOTICE: dict[str, Schema] = {
    "code": {"type": "string", "pattern": "^LRB[0-9]{3}$"},
    "severity": {"enum": ["info", "warning", "error"]},
    "message": {"type": "string", "maxLength": 100},
    "path": _null(TEXT),
}
DEFINITIONS: Schema = {
    "notice": _object(("where",), **_NOTICE, where=TEXT),
    "finding": _object(("where",), **_NOTICE, where=TEXT, line=_null(INTEGER), column=_null(INTEGER)),
    "prediction": _object(
        schema_version=VERSION,
        name=TEXT,
        method={"enum": ["mean-field", "wei2019"]},
        assumptions=_object(
            loss=TEXT,
            batch_size={"anyOf": [INTEGER, {"const": "full"}]},
            batch_statistics={"enum": ["through", "frozen"]},
            optimizer=TEXT,
            momentum=MAYBE,
            outputs=INTEGER,
            parameters=INTEGER,
        ),
        lambda_max=MAYBE,
        lambda_max_interval=_null({"type": "array", "items": MAYBE, "minItems": 2, "maxItems": 2}),
        max_learning_rate=MAYBE,
        recommended_learning_rate=MAYBE,
        first_step_learning_rate=MAYBE,
        limited_by=_null(TEXT),
        confidence=_null({"enum": ["high", "medium", "low"]}),
        advice=_null(TEXT),
        critical_batch_size=MAYBE,
        bounds=_object(curvature=MAYBE, minibatch=MAYBE),
        layers=_list(
            _object(
                path=TEXT,
                layer=TEXT,
                parameters=INTEGER,
                q=MAYBE,
                q_xy=MAYBE,
                lambda_=MAYBE,
                gradient=MAYBE,
                weight_std=MAYBE,
            )
        ),
        hint=TEXT,
        warnings=WARNINGS,
    ),
    "check": _object(
        schema_version=VERSION,
        ok=FLAG,
        learning_rate=NUMBER,
        max_learning_rate=MAYBE,
        ratio=MAYBE,
        level={"enum": ["ok", "warning", "error"]},
        fail_above=MAYBE,
        prediction=PREDICTION,
    ),
    "training": _object(data=TEXT, samples=INTEGER, steps=INTEGER, seeds=_list(INTEGER)),
    "solution": _object(("stable",), value=NUMBER, max_learning_rate=MAYBE, stable=TEXT),
    "part": _object(path=TEXT, layer=TEXT, lambda_baseline=MAYBE, lambda_=MAYBE),
}

_PREDICTED = _object(spec=TEXT, predictions=_list(PREDICTION), findings=FINDINGS)
_OUTCOME = {"enum": ["ok", "warning", "too_high", "error", "skipped"]}
_CHECKED = _object(spec=TEXT, outcome=_OUTCOME, check=_null(_ref("check")), findings=FINDINGS)
_MEASURED = _object(
    ("layers",),
    schema_version=VERSION,
    prediction=PREDICTION,
    measured=_object(lambda_max=MAYBE, std=MAYBE, values=_list(MAYBE), inside_interval=_null(INTEGER)),
    ratio=MAYBE,
    layers=_list(_object(path=TEXT, layer=TEXT, parameters=INTEGER, predicted=MAYBE, measured=MAYBE)),
)
_BOUNDARY = _object(
    schema_version=VERSION,
    prediction=PREDICTION,
    boundary=_object(learning_rate=MAYBE, values=_list(MAYBE), onset=MAYBE),
    ratio=MAYBE,
    ratio_curvature=MAYBE,
    training=_ref("training"),
    warnings=WARNINGS,
)
_GRID = _object(
    schema_version=VERSION,
    name=TEXT,
    knob=TEXT,
    learning_rates=_list(NUMBER),
    points=_list(
        _object(
            values={"type": "object"},
            max_learning_rate=MAYBE,
            bounds=_object(curvature=MAYBE, minibatch=MAYBE, wei2019=MAYBE),
            boundary=MAYBE,
            ratio=MAYBE,
            ratio_curvature=MAYBE,
            losses=_list(MAYBE),
            diverged=_list(FLAG),
        )
    ),
    training=_ref("training"),
    warnings=WARNINGS,
)
_SWEEP = _object(
    schema_version=VERSION,
    knobs=_list(TEXT),
    points=_list(
        _object(
            name=TEXT,
            values={"type": "object"},
            lambda_max=MAYBE,
            max_learning_rate=MAYBE,
            recommended_learning_rate=MAYBE,
        )
    ),
    warnings=WARNINGS,
)
_SOLVE = _object(
    schema_version=VERSION,
    name=TEXT,
    vary=TEXT,
    learning_rate=NUMBER,
    range=_list(NUMBER),
    solutions=_list(_ref("solution")),
    nearest=_null(_ref("solution")),
    reason=_null(TEXT),
    warnings=WARNINGS,
)
_CONTRAST = _object(
    name=TEXT,
    rate_ratio=MAYBE,
    curvature_ratio=MAYBE,
    rest=MAYBE,
    differences=_list(_object(paths=_list(TEXT), what=TEXT, before=TEXT, after=TEXT, rate_factor=MAYBE)),
    layers=_list(_ref("part")),
)
_COMPARE = _object(
    schema_version=VERSION, specs=_list(PREDICTION), baseline=TEXT, contrasts=_list(_CONTRAST), warnings=WARNINGS
)
_NORMALIZERS = _object(
    schema_version=VERSION,
    name=TEXT,
    specs=_list(PREDICTION),
    baseline=TEXT,
    normalizers=_list(
        _object(
            normalizer=TEXT,
            settings=TEXT,
            lambda_max=MAYBE,
            max_learning_rate=MAYBE,
            ratio=MAYBE,
            batch_sizes=_list(_object(batch_size=INTEGER, max_learning_rate=MAYBE, reason=_null(TEXT))),
            why=TEXT,
            reason=_null(TEXT),
        )
    ),
    note=TEXT,
    warnings=WARNINGS,
)
_STATS = _object(
    schema_version=VERSION,
    samples=INTEGER,
    shape=_list(INTEGER),
    mean_square=MAYBE,
    correlation=MAYBE,
    top_share=MAYBE,
    centred_share=MAYBE,
    norm_kurtosis=MAYBE,
    mean_share=MAYBE,
    channel_correlation=MAYBE,
    features=MAYBE,
    target_scale=MAYBE,
    target_mean_share=MAYBE,
    classes=_null(INTEGER),
    warnings=WARNINGS,
)
_TRANSFER = _object(
    schema_version=VERSION,
    base_learning_rate=NUMBER,
    learning_rate=MAYBE,
    ratio=MAYBE,
    base=PREDICTION,
    new=PREDICTION,
    warnings=WARNINGS,
)

_CURVE = _object(
    knob=TEXT,
    here=MAYBE,
    points=_list(_object(value=NUMBER, lambda_max=MAYBE, max_learning_rate=MAYBE, recommended_learning_rate=MAYBE)),
)
_PORTRAIT = _object(spec=TEXT, learning_rate=MAYBE, prediction=PREDICTION, curves=_list(_CURVE))

BUILDERS: dict[str, Schema] = {
    "predict": {
        "anyOf": [
            PREDICTION,
            _object(schema_version=VERSION, predictions=_list(PREDICTION)),
            _object(schema_version=VERSION, specs=_list(_PREDICTED)),
        ]
    },
    "check": {"anyOf": [_ref("check"), _object(schema_version=VERSION, ok=FLAG, specs=_list(_CHECKED))]},
    "compare": {"anyOf": [_COMPARE, _NORMALIZERS]},
    "sweep": _SWEEP,
    "solve": _SOLVE,
    "transfer": _TRANSFER,
    "measure": _MEASURED,
    "boundary": {"anyOf": [_BOUNDARY, _GRID]},
    "stats": _STATS,
    "report": _object(schema_version=VERSION, specs=_list(_PORTRAIT)),
}
