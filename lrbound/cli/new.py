"""``lrbound new``: a spec to start from."""

from __future__ import annotations

from typing import Annotated

import typer

from lrbound.cli._files import ForceOption, OutputOption, check_free, write_text
from lrbound.cli.exit import refuse
from lrbound.cli.output import emit
from lrbound.templates import names

TemplateArgument = Annotated[str, typer.Argument(metavar="TEMPLATE", help=" | ".join(names()))]
WidthOption = Annotated[
    int | None, typer.Option("--width", min=1, help="Features of the hidden layers, or channels of the first ones.")
]
DepthOption = Annotated[int | None, typer.Option("--depth", min=1, help="How many hidden layers, or of each size.")]
ClassesOption = Annotated[int, typer.Option("--classes", min=1, help="Number of outputs.")]
NormalizerOption = Annotated[
    str, typer.Option("--normalizer", metavar="NAME", help="What normalises each layer: batch, ..., or none.")
]


def command(
    template: TemplateArgument,
    *,
    width: WidthOption = None,
    depth: DepthOption = None,
    classes: ClassesOption = 10,
    normalizer: NormalizerOption = "batch",
    output: OutputOption = None,
    force: ForceOption = False,
) -> None:
    """Print a spec to start from, for editing.

    Example: lrbound new resnet18 --classes 100 -o net.yaml
    """
    from lrbound.errors import Refused
    from lrbound.templates import render

    try:
        text = render(template, width=width, depth=depth, classes=classes, normalizer=normalizer)
    except Refused as error:
        raise refuse(f"error: {error}") from error
    if output is None:
        emit(text.rstrip("\n"))
        return
    check_free([output], force=force)
    write_text(output, text)
    typer.echo(f"wrote {output}; next: lrbound predict {output}", err=True)
