"""``lrbound schema``: the JSON Schema of specs, for editors."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from lrbound.cli._explore import ForceOption  # noqa: TC001 - typer reads the annotations
from lrbound.cli._files import check_free, write_text
from lrbound.cli.output import emit

OutputOption = Annotated[
    str | None, typer.Option("--output", "-o", metavar="FILE", help="Write it there instead of to stdout.")
]


def command(*, output: OutputOption = None, force: ForceOption = False) -> None:
    """Print the JSON Schema of specs, for editors.

    Example: lrbound schema --output spec.schema.json
    """
    from lrbound.spec.schema import schema

    text = json.dumps(schema(), indent=2)
    if output is None:
        emit(text)
        return
    check_free([output], force=force)
    write_text(output, text + "\n")
    typer.echo(f"wrote {output}", err=True)
