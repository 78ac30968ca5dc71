"""The JSON Schema of specs, made from the same declarations that the parser reads.

It says what an editor can know: names, types and bounds. Whether shapes fit together, only the parser finds.
"""

from __future__ import annotations

import dataclasses
import inspect
from dataclasses import MISSING
from typing import TYPE_CHECKING, Any

from lrbound.fields import Param, params
from lrbound.init import BIASES, FORMS, Form, names
from lrbound.layers import LAYERS
from lrbound.losses import LOSSES
from lrbound.optimizers import OPTIMIZERS
from lrbound.spec.header import (
    BATCH_SIZE,
    DEFAULT_LOSS,
    DEFAULT_OPTIMIZER,
    KIND,
    LAW,
    LONGEST_NAME,
    LONGEST_SIDE,
    MOST_FEATURES,
    NUMBERS,
    VERSION,
)
from lrbound.spec.inits import DEFAULT as DEFAULT_INIT

if TYPE_CHECKING:
    from lrbound.layers.base import Layer
    from lrbound.losses.base import Loss

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
BOUNDS = {"gt": "exclusiveMinimum", "ge": "minimum", "lt": "exclusiveMaximum", "le": "maximum"}
TYPES = {"integer": "integer", "number": "number", "boolean": "boolean"}
DEFAULTS: Schema = {"target_scale": {"default": 1}, "accumulation": {"default": 1}}
REFERENCES = {"init": "init", "layers": "layers", "branches": "branches"}


def schema() -> Schema:
    """Return the schema of a whole spec, draft 2020-12."""
    header = {
        "version": {"const": VERSION, "description": "of this format"},
        "name": {"type": "string", "minLength": 1, "maxLength": LONGEST_NAME, "description": "of the network"},
        "input": _input(),
        "init": _nullable(_inits()) | {"default": DEFAULT_INIT},
        "training": _nullable({"$ref": "#/$defs/training"}),
        "layers": {"$ref": "#/$defs/layers", "minItems": 1, "description": "in the order in which they run"},
    }
    return {
        "$schema": DIALECT,
        "title": "lrbound architecture",
        **_object(header, required=["version", "input", "layers"]),
        "patternProperties": {"^x-": {"description": "free, for anchors"}},
        "$defs": {
            "init": _init(),
            "training": _training(),
            "layers": {"type": "array", "items": {"$ref": "#/$defs/layer"}},
            "branches": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/layers"}},
            "layer": _layer(),
            **{f"layer-{name}": _arguments(name) for name in LAYERS.names()},
        },
    }


def _object(properties: Schema, required: list[str] | None = None) -> Schema:
    made: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**made, "required": required} if required else made


def _nullable(inner: Schema) -> Schema:
    return {"anyOf": [inner, {"type": "null"}]}


def _field(param: Param, default: object = MISSING) -> Schema:
    """Return the schema of one argument."""
    made: Schema = {"description": param.doc}
    made |= _type(param)
    if param.type == "layers" and default is MISSING:
        made["minItems"] = 1
    for name, keyword in BOUNDS.items():
        bound = getattr(param, name)
        if bound is not None and param.type not in ("pair", "border", "side", "numbers"):
            made[keyword] = int(bound) if bound == int(bound) else bound
    if default is None:
        return {"anyOf": [made, {"type": "null"}]}
    if isinstance(default, bool | int | float | str):
        made["default"] = default
    elif isinstance(default, tuple) and param.type == "numbers":
        made["default"] = list(default)
    return made


def _type(param: Param) -> Schema:
    """Return what a field's value may be, but for its bounds where it is one number."""
    each = {name: getattr(param, name) for name in BOUNDS}
    if param.type == "pair":
        one = {key: value for key, value in _field(Param("integer", "", ge=param.ge, le=param.le)).items() if value}
        return {"anyOf": [one, {"type": "array", "minItems": 2, "maxItems": 2, "items": one}]}
    if param.type == "side":
        return {"anyOf": [*_type(Param("pair", "", ge=param.ge, le=param.le))["anyOf"][:1], {"const": "same"}]}
    if param.type == "border":
        pair = _type(Param("pair", "", ge=param.ge, le=param.le))
        return {
            "anyOf": [*pair["anyOf"], {"type": "array", "minItems": 2, "maxItems": 2, "items": pair}, {"const": "same"}]
        }
    if param.type == "numbers":
        return {"type": "array", "minItems": 2, "maxItems": 2, "items": _field(Param("number", "each", **each))}
    if param.type in TYPES:
        return {"type": TYPES[param.type]}
    if param.type == "choice":
        return {"enum": list(param.choices)}
    return {"$ref": f"#/$defs/{REFERENCES[param.type]}"}


def _fields(cls: type) -> tuple[Schema, list[str]]:
    """Return the schemas of all arguments of a dataclass, and the names of those that must be given."""
    known = params(cls)
    return (
        {name: _field(param, default) for name, (param, default) in known.items()},
        [name for name, (_, default) in known.items() if default is MISSING],
    )


def _input() -> Schema:
    sizes = {"type": "integer", "minimum": 1}
    features = {"type": "array", "minItems": 1, "maxItems": 1, "items": {**sizes, "maximum": MOST_FEATURES}}
    image = {
        "type": "array",
        "minItems": 3,
        "maxItems": 3,
        "prefixItems": [{**sizes, "maximum": MOST_FEATURES}, *({**sizes, "maximum": LONGEST_SIDE} for _ in range(2))],
    }
    signal = {
        "type": "array",
        "minItems": 2,
        "maxItems": 2,
        "prefixItems": [{**sizes, "maximum": MOST_FEATURES}, {**sizes, "maximum": LONGEST_SIDE}],
    }
    described = "[features], [channels, length] or [channels, height, width]"
    shape = {"description": described, "anyOf": [features, signal, image]}
    kind = {**_field(KIND), "default": "white"}
    return _object(
        {"shape": shape, "kind": kind, **{name: _field(param) for name, param in LAW.items()}}, required=["shape"]
    )


def _init() -> Schema:
    biases = {name: _field(param) for name, param in BIASES.items()}
    forms = [_object({name: _form(form), **biases}, required=[name]) for name, form in FORMS.items()]
    return {"description": "initialisation of weights and biases", "anyOf": [{"enum": list(names())}, *forms]}


def _form(form: Form) -> Schema:
    if form.number is not None:
        return _field(form.number)
    arguments = {name: _field(param) for name, param in form.arguments.items()}
    found = {**_object(arguments, required=list(form.required)), "description": form.doc}
    return found if form.required else _nullable(found)


def _inits() -> Schema:
    """Return the schema of the network's own: one for all layers, or one for each kind."""
    drawn = [name for name in LAYERS.names() if "init" in params(LAYERS.get(name))]
    return {"anyOf": [{"$ref": "#/$defs/init"}, _object({name: {"$ref": "#/$defs/init"} for name in drawn})]}


def _training() -> Schema:
    batch_size = {"description": BATCH_SIZE.doc, "anyOf": [_field(BATCH_SIZE), {"const": "full"}], "default": "full"}
    return _object(
        {
            "loss": _nullable({"anyOf": [{"enum": list(LOSSES.names())}, _losses()]}) | {"default": DEFAULT_LOSS},
            "batch_size": _nullable(batch_size),
            "optimizer": _nullable(
                {"anyOf": [{"enum": list(OPTIMIZERS.names())}, *map(_optimizer, OPTIMIZERS.names())]}
            ),
            **{name: _nullable({**_field(param), **DEFAULTS.get(name, {})}) for name, param in NUMBERS.items()},
        }
    )


def _losses() -> Schema:
    named = {name: _forms(LOSSES.get(name)) for name in LOSSES.names()}
    return _object(named) | {"minProperties": 1, "maxProperties": 1}


def _optimizer(name: str) -> Schema:
    properties, required = _fields(OPTIMIZERS.get(name))
    named = [] if name == DEFAULT_OPTIMIZER else ["name"]
    return _object({"name": {"const": name}, **properties}, required=[*named, *required])


def _layer() -> Schema:
    """Return the schema of an item of a list of layers: a name, or one name with its arguments."""
    bare = [name for name in LAYERS.names() if not _fields(LAYERS.get(name))[1]]
    named = {
        name: {"$ref": f"#/$defs/layer-{name}", "description": _summary(LAYERS.get(name))} for name in LAYERS.names()
    }
    return {"anyOf": [{"enum": bare}, {**_object(named), "minProperties": 1, "maxProperties": 1}]}


def _arguments(name: str) -> Schema:
    return _forms(LAYERS.get(name))


def _forms(cls: type[Layer | Loss]) -> Schema:
    """Return the schema of what stands behind a name: its arguments, its main one alone, or nothing."""
    properties, required = _fields(cls)
    forms = [_object(properties, required)]
    main = getattr(cls, "main", None)
    if main is not None:
        forms += [properties[main]] if set(required) <= {main} else []
    if not required:
        forms.append({"type": "null"})
    return {"anyOf": forms} if len(forms) > 1 else forms[0]


def _summary(cls: type[Layer]) -> str:
    """Return the first line of a layer's documentation."""
    assert dataclasses.is_dataclass(cls)
    return (inspect.getdoc(cls) or "").partition("\n")[0]
