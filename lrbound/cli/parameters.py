"""A command whose plain parameters bypass pydantic.

Typer 0.29 builds a pydantic adapter for every parameter, set or not. Importing pydantic takes longer than all the rest of
`lrbound predict`, and text, lists of text and valid choices come out of it as they went in. Everything else (numbers,
invalid choices) still takes typer's way, so that its conversions and its messages are the ones that people know.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from typer.core import TyperCommand, TyperGroup

if TYPE_CHECKING:
    from collections.abc import Callable


class PlainCommand(TyperCommand):
    """A command without the cost of pydantic."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        bypass_pydantic(self.params)


class PlainGroup(TyperGroup):
    """A group of commands without the cost of pydantic."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        bypass_pydantic(self.params)


def bypass_pydantic(parameters: list[Any]) -> None:
    """Replace the conversion of each parameter by one that knows when there is nothing to convert."""
    for parameter in parameters:
        parameter.process_value = partial(_process, parameter, parameter.process_value)


def _process(parameter: Any, convert: Callable[[Any, Any], Any], context: Any, value: Any) -> Any:
    missing = value is None and parameter.required
    if missing or not _is_plain(parameter, value):
        return convert(context, value)
    if value is None and (parameter.multiple or parameter.nargs == -1):
        value = ()
    return value if parameter.callback is None else parameter.callback(context, parameter, value)


def _is_plain(parameter: Any, value: Any) -> bool:
    descriptor = getattr(parameter, "type_descriptor", None)  # typer's own; another version may have none
    if descriptor is None:
        return False
    if value is None:
        return True
    annotation = descriptor.annotation
    if annotation is str:
        return isinstance(value, str)
    if annotation == list[str]:
        return isinstance(value, list | tuple) and all(isinstance(item, str) for item in value)
    return get_origin(annotation) is Literal and value in get_args(annotation)
