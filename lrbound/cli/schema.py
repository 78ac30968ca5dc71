"""``lrbound schema``: the JSON Schema of specs, for editors."""

from __future__ import annotations

import json

import typer

from lrbound.cli._files import ForceOption, OutputOption, check_free, write_text
from lrbound.cli.output import emit


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
