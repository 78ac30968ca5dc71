"""``init``: the name of an initialisation, a form of it, or one for each kind of layer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lrbound.fields import Param, params
from lrbound.init import BIASES, FORMS, NAMED, REFUSED, SPREADS, Form, Init, named, names, with_biases
from lrbound.layers import LAYERS
from lrbound.spec.diagnostics import Invalid, Problems
from lrbound.spec.names import known_entries, unknown
from lrbound.spec.scalars import is_null, read_choice, read_number, read_text
from lrbound.spec.tree import MapValue, Value
from lrbound.spec.wording import quote

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT = "pytorch"
EXPECTED = "a name or {weight_variance: ..., bias_variance: ...}"


@dataclass(frozen=True)
class Inits:
    """Initialisations of the layers that have none of their own: by kind of layer, and of all others."""

    rest: Init = NAMED[DEFAULT]
    by_kind: Mapping[str, Init] = field(default_factory=dict)


def read_inits(value: Value, problems: Problems) -> Inits:
    """Return the network's initialisations; raise Invalid, or report what is wrong in them."""
    if not isinstance(value, MapValue) or not any(key in LAYERS for key in value.entries):
        return Inits(read_init(value, "", problems))
    drawn = tuple(name for name in LAYERS.names() if "init" in params(LAYERS.get(name)))
    found: dict[str, Init] = {}
    for kind, given in known_entries(value, drawn, "kind of layer with weights", "init: ", problems).items():
        with problems.collecting():
            found[kind] = read_init(given, f"init: {kind}: ", problems)
    return Inits(by_kind=found)


def read_init(value: Value, label: str, problems: Problems) -> Init:
    """Return the initialisation; raise Invalid, or report the arguments that are wrong.

    Parameters
    ----------
    value : Scalar, ListValue or MapValue
        What the spec says.
    label : str
        How a message begins: ``linear: `` for a layer's own, nothing for the network's.
    problems : Problems
        Takes what is wrong with the arguments.
    """
    if isinstance(value, MapValue):
        return _read_form(value, label, problems)
    name = read_text(value, f"{label}'init'", EXPECTED)
    init = named(name)
    if init is not None:
        return init
    if name in FORMS:
        needs = FORMS[name].required[0] if FORMS[name].required else "a number"
        raise Invalid(value.mark, f"{label}init {quote(name)} needs {needs}, as in {{{name}: ...}}")
    raise Invalid(value.mark, label + _unknown(name, names(), problems))


def _unknown(name: str, known: tuple[str, ...], problems: Problems) -> str:
    if name in REFUSED:
        return f"init {quote(name)} has no answer: {REFUSED[name]}"
    said = unknown("init", name, known, problems)
    return said if ";" in said else f"{said}; known: {', '.join(NAMED)}, and forms such as {{std: 0.02}}"


def _read_form(mapping: MapValue, label: str, problems: Problems) -> Init:
    """Return the form that a mapping holds, with the biases beside it."""
    refused = next((key for key in mapping.entries if key in REFUSED), None)
    if refused is not None:
        raise Invalid(mapping.entries[refused].mark, label + _unknown(refused, (), problems))
    given = known_entries(mapping, (*FORMS, *BIASES), "key", f"{label}init: ", problems)
    forms = [key for key in given if key in FORMS]
    if not forms:
        raise Invalid(mapping.mark, f"{label}init: 'weight_variance' is missing, or another form such as std")
    if len(forms) > 1:
        message = f"{label}init: one form, got {quote(forms[0])} and {quote(forms[1])}"
        raise Invalid(mapping.entries[forms[1]].mark, message)
    name, biases = forms[0], dict[str, Any]()
    init = Init(1.0)
    with problems.collecting():
        init = _form(FORMS[name], given[name], f"{label}init: ", name, problems)
    for key in BIASES:
        if key in given:
            with problems.collecting():
                read = read_choice if BIASES[key].type == "choice" else _read_number
                biases[key] = read(given[key], BIASES[key], f"{label}init: '{key}'", problems)
    spread = [key for key in SPREADS if key in given]
    if len(spread) > 1:
        message = f"{label}init: {quote(spread[0])} and {quote(spread[1])} both say how biases spread; keep one"
        raise Invalid(mapping.entries[spread[1]].mark, message)
    return with_biases(init, biases)


def _read_number(value: Value, param: Param, label: str, problems: Problems) -> float:
    del problems
    return read_number(value, param, label)


def _form(form: Form, value: Value, label: str, name: str, problems: Problems) -> Init:
    if form.number is not None:
        return form.made({"": read_number(value, form.number, f"{label}'{name}'")})
    if not isinstance(value, MapValue):
        if is_null(value) and not form.required:
            return form.made({})
        raise Invalid(
            value.mark, f"{label}'{name}' takes its arguments by name ({', '.join(form.arguments) or 'none'})"
        )
    found: dict[str, object] = {}
    for key, given in known_entries(value, tuple(form.arguments), "argument", f"{label}{name}: ", problems).items():
        param, said = form.arguments[key], f"{label}{name}: '{key}'"
        with problems.collecting():
            found[key] = (
                read_choice(given, param, said, problems) if param.type == "choice" else read_number(given, param, said)
            )
    missing = [key for key in form.required if key not in value.entries]
    if missing:
        raise Invalid(value.mark, f"{label}{name}: '{missing[0]}' is missing")
    if len(found) < len(value.entries):
        return Init(1.0)
    try:
        return form.made(found)
    except ValueError as error:
        raise Invalid(value.mark, f"{label}{name}: {error}") from None
