"""``lrbound schema``: the JSON Schema of specs, for editors, and of what the commands print, for programs."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from lrbound.cli._files import ForceOption, check_free, write_text
from lrbound.cli.output import emit


def _commands() -> tuple[str, ...]:
    from lrbound.report._schemas import outputs

    return outputs()


def _known(value: str | None) -> str | None:
    if value is not None and value not in _commands():
        known = ", ".join(_commands())
        raise typer.BadParameter(f"{value!r} is no command that prints JSON: {known} (-o FILE writes to a file)")
    return value


def _metavar() -> str:
    return "|".join(_commands())


_late: object = _metavar
OfOption = Annotated[
    str | None,
    typer.Option(
        "--output",
        metavar=_late,
        callback=_known,
        autocompletion=lambda incomplete: [name for name in _commands() if name.startswith(incomplete)],
        help="The schema of this command's --format json, instead of that of specs.",
    ),
]
FileOption = Annotated[
    str | None, typer.Option("--output-file", "-o", metavar="FILE", help="Write it there instead of to stdout.")
]


def command(*, of: OfOption = None, file: FileOption = None, force: ForceOption = False) -> None:
    """Print the JSON Schema of specs, or of what a command prints.

    Example: lrbound schema -o spec.schema.json
    """
    if of is None:
        from lrbound.spec.schema import schema

        text = json.dumps(schema(), indent=2)
    else:
        from lrbound.report._schemas import output_schema

        text = json.dumps(output_schema(of), indent=2)
    if file is None:
        emit(text)
        return
    check_free([file], force=force)
    write_text(file, text + "\n")
    typer.echo(f"wrote {file}", err=True)
