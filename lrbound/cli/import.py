"""``lrbound import``: a spec from a model."""

from __future__ import annotations

from typing import Annotated

import typer

from lrbound.cli._files import ForceOption, OutputOption, check_free, write_text
from lrbound.cli._model import read_model
from lrbound.cli.core import load_network
from lrbound.cli.exit import ExitCode
from lrbound.cli.options import ArgOption, InputOption, SpecOptions
from lrbound.cli.output import emit

ModelArgument = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="A PyTorch model or what makes one (mypackage.nets:build, nets.py:build), Keras' JSON, or an ONNX file.",
    ),
]
CheckOption = Annotated[
    str | None,
    typer.Option("--check", metavar="FILE", help="Compare the model with this spec; exit status 1 where they differ."),
]
PartialOption = Annotated[
    bool, typer.Option("--partial", help="Write what can be translated, with marks where something stands in.")
]


def command(
    model: ModelArgument,
    *,
    shape: InputOption = None,
    arguments: ArgOption = None,
    output: OutputOption = None,
    force: ForceOption = False,
    check: CheckOption = None,
    partial: PartialOption = False,
) -> None:
    """Write the spec of a model; a PyTorch model's code runs for it.

    Of a file, an ONNX model (*.onnx) or what Keras' model.to_json() wrote (*.json), nothing runs. Names and initialisations are
    found in the model; what a spec cannot say is named, and ends the command.

    Example: lrbound import mypackage.nets:build --input 3,32,32 -o net.yaml
    """
    if check is not None and output is not None:
        raise typer.BadParameter("either writes a file or compares with one", param_hint="'--output', '--check'")
    if output is not None:
        check_free([output], force=force)
    known = None if check is None else load_network(check, SpecOptions())
    translation = read_model("import", model, shape, arguments, partial=partial)
    if known is not None:
        from lrbound.importing.compare import differences

        found = differences(known, translation.chain, translation.network.input.shape)
        where = "places" if len(found) > 1 else "place"
        head = f"{check} and {model} differ in {len(found)} {where}:" if found else f"{check} describes {model}"
        emit("\n".join((head, *(f"  {line}" for line in found))))
        raise typer.Exit(ExitCode.CHECK_FAILED if found else ExitCode.OK)
    if output is None:
        emit(translation.text.rstrip("\n"))
        return
    write_text(output, translation.text)
    typer.echo(f"wrote {output}; next: lrbound predict {output}", err=True)
