"""From a mapping of arguments to the dataclass that declares them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING
from typing import TYPE_CHECKING, Any, TypeVar

from lrbound.fields import Param, params
from lrbound.spec.names import known_entries
from lrbound.spec.scalars import is_null
from lrbound.spec.tree import MapValue, Value
from lrbound.spec.wording import listing

if TYPE_CHECKING:
    from lrbound.spec.diagnostics import Problems

T = TypeVar("T")
Read = Callable[[str, Value, Param], object]


def build(cls: type[T], name: str, mapping: MapValue, read: Read, problems: Problems) -> T | None:
    """Return an instance, or None where an argument is wrong and has been reported.

    Parameters
    ----------
    cls : type
        A dataclass whose fields come from :mod:`lrbound.fields`.
    name : str
        What messages call it.
    mapping : MapValue
        The arguments by name; what is wrong with several of them together is reported at its mark.
    read : Callable
        ``read(argument, value, param)`` returns the argument's value or raises Invalid.
    problems : Problems
        Takes what is wrong.
    """
    known = params(cls)
    given = known_entries(mapping, known, "argument", f"{name}: ", problems)
    missing = [f"'{key}'" for key, (_, default) in known.items() if default is MISSING and key not in given]
    if missing:
        problems.add(mapping.mark, f"{name}: {listing(missing)} {'is' if len(missing) == 1 else 'are'} missing")
    arguments: dict[str, Any] = {}
    for key, value in given.items():
        param, default = known[key]
        with problems.collecting():
            arguments[key] = None if default is None and is_null(value) else read(key, value, param)
    if missing or len(arguments) < len(given):
        return None
    built = cls(**arguments)
    validate = getattr(built, "validate", None)
    message = validate() if validate else None
    if message:
        problems.add(mapping.mark, f"{name}: {message}")
    return built
