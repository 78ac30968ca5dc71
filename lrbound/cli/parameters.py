"""A command whose options may come in groups, and whose plain parameters bypass pydantic.

Typer 0.29 builds a pydantic adapter for every parameter, set or not. Importing pydantic takes longer than all the rest of
`lrbound predict`, and text, lists of text and choices come out of it as they went in. Everything else
(numbers, paths) still takes typer's way.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin, get_type_hints

import typer
from typer.core import TyperCommand, TyperGroup

from lrbound.cli.exit import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class PlainCommand(TyperCommand):
    """A command without the cost of pydantic."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse, once all parameters are there: those of the help and the completion come late."""
        _bypass_pydantic(self.get_params(ctx))
        return super().parse_args(ctx, args)

    def get_short_help_str(self, limit: int = 45) -> str:
        """Return the first paragraph of the help, whole."""
        del limit
        return " ".join((self.help or "").partition("\n\n")[0].split())

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help, for which alone a metavar that costs something is made."""
        parameters: Any = self.get_params(ctx)
        for parameter in parameters:
            if callable(parameter.metavar):
                parameter.metavar = parameter.metavar()
        super().format_help(ctx, formatter)


class PlainGroup(TyperGroup):
    """A group of commands without the cost of pydantic."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse, once all parameters are there: those of the help and the completion come late."""
        _bypass_pydantic(self.get_params(ctx))
        return super().parse_args(ctx, args)


def unfolded(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command that takes the fields of its parameters that are dataclasses as options of its own.

    ``def command(spec: SpecArgument, *, options: SpecOptions)`` gets the options ``--method``, ``--set`` and so on in
    the place of ``options``; typer knows no groups of options.
    """
    parameters: list[inspect.Parameter] = []
    groups: dict[str, type] = {}
    hints = get_type_hints(command, include_extras=True)
    for name, parameter in inspect.signature(command).parameters.items():
        if dataclasses.is_dataclass(hints[name]):
            groups[name] = hints[name]
            parameters += _options(hints[name])
        else:
            parameters.append(parameter.replace(annotation=hints[name]))

    @functools.wraps(command)
    def run(**given: Any) -> None:
        folded = {
            name: group(**{field.name: given.pop(field.name) for field in dataclasses.fields(group)})
            for name, group in groups.items()
        }
        try:
            command(**given, **folded)
        except Refusal as refusal:
            typer.echo(refusal.message, err=True)
            raise

    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run


def _options(group: Any) -> list[inspect.Parameter]:
    hints = get_type_hints(group, include_extras=True)
    return [
        inspect.Parameter(
            field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=hints[field.name]
        )
        for field in dataclasses.fields(group)
    ]


def _bypass_pydantic(parameters: Iterable[Any]) -> None:
    """Replace the conversion of each parameter by one that knows when there is nothing to convert."""
    for parameter in parameters:
        if "process_value" not in vars(parameter):
            parameter.process_value = functools.partial(_process, parameter, parameter.process_value)


def _process(parameter: Any, convert: Callable[[Any, Any], Any], context: Any, value: Any) -> Any:
    missing = value is None and parameter.required
    if missing or not _is_plain(parameter, context, value):
        return convert(context, value)
    if value is None and (parameter.multiple or parameter.nargs == -1):
        value = ()
    return value if parameter.callback is None else parameter.callback(context, parameter, value)


def _is_plain(parameter: Any, context: Any, value: Any) -> bool:
    descriptor = getattr(parameter, "type_descriptor", None)  # typer's own; another version may have none
    if descriptor is None:
        return False
    if value is None:
        return True
    annotation = descriptor.annotation
    if annotation in (str, bool):
        return isinstance(value, annotation)
    if annotation == list[str]:
        return isinstance(value, list | tuple) and all(isinstance(item, str) for item in value)
    return get_origin(annotation) is Literal and _is_choice(value, get_args(annotation), context, parameter)


def _is_choice(value: Any, choices: tuple[str, ...], context: Any, parameter: Any) -> bool:
    if value not in choices:
        listed = ", ".join(map(repr, choices))
        raise typer.BadParameter(f"{value!r} is not one of {listed}", ctx=context, param=parameter)
    return True
