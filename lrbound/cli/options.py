"""Arguments and options that several verbs share, and the overrides of the spec that some of them stand for."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from lrbound.cli._completion import complete_set

Override = tuple[str, str]

SpecArgument = Annotated[str, typer.Argument(metavar="SPEC", help="Architecture in YAML, or - for stdin.")]
SpecOrModelArgument = Annotated[
    str,
    typer.Argument(metavar="SPEC", help="Architecture in YAML, - for stdin, or a PyTorch model as MODULE:OBJECT."),
]
FormatOption = Annotated[Literal["text", "json"], typer.Option("--format", help="How to print the result.")]
MethodOption = Annotated[
    Literal["mean-field", "wei2019"],
    typer.Option("--method", help="The corrected theory, or the formulas as published in 2019."),
]
StatisticsOption = Annotated[
    Literal["through", "frozen"],
    typer.Option("--batch-statistics", help="Differentiate through batch statistics, as training does, or not."),
]
BatchSizeOption = Annotated[
    str | None,
    typer.Option("--batch-size", metavar="N|full", help="Samples in one step; short for --set training.batch_size=N."),
]
MomentumOption = Annotated[
    str | None,
    typer.Option("--momentum", metavar="MU", help="Short for --set training.optimizer.momentum=MU."),
]
LossOption = Annotated[str | None, typer.Option("--loss", metavar="NAME", help="Short for --set training.loss=NAME.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="PATH=VALUE",
        autocompletion=complete_set,
        help="Change a field of the spec; repeatable, the last one wins.",
    ),
]

InputOption = Annotated[
    str | None,
    typer.Option("--input", metavar="SHAPE", help="Shape of one sample for MODULE:OBJECT, such as 3,32,32 or 784."),
]
ArgOption = Annotated[
    list[str] | None,
    typer.Option("--arg", metavar="KEY=VALUE", help="An argument for the OBJECT that makes the model; repeatable."),
]


def overrides(
    *, batch_size: str | None, momentum: str | None, loss: str | None, settings: list[str] | None
) -> list[Override]:
    """Return the changes to the spec in the order in which they apply; ``--set`` comes last and wins."""
    shorthands = {
        "training.batch_size": batch_size,
        "training.optimizer.momentum": momentum,
        "training.loss": loss,
    }
    return [
        *((path, value) for path, value in shorthands.items() if value is not None),
        *(_split(text) for text in settings or ()),
    ]


def _split(text: str) -> Override:
    path, equals, value = text.partition("=")
    if not (path.strip() and equals):
        raise typer.BadParameter(f"{text!r} is not PATH=VALUE, such as training.batch_size=128", param_hint="'--set'")
    return path.strip(), value.strip()
