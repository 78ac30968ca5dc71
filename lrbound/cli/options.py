"""Arguments and options that several verbs share, and the overrides of the spec that some of them stand for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import typer

from lrbound.cli._completion import complete_set
from lrbound.report import REPORTS, formats

Override = tuple[str, str]

MOST_JOBS = 256

SpecArgument = Annotated[str, typer.Argument(metavar="SPEC", help="Architecture in YAML, or - for stdin.")]
SpecOrModelArgument = Annotated[
    str,
    typer.Argument(metavar="SPEC", help="Architecture in YAML, - for stdin, or a PyTorch model as MODULE:OBJECT."),
]
SpecsArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="SPEC",
        help="Architectures in YAML: files, patterns, folders; - for stdin, or a PyTorch model as MODULE:OBJECT.",
    ),
]
JobsOption = Annotated[
    str | None, typer.Option("--jobs", "-j", metavar="N", help="Processes that share the specs; 1 without it.")
]
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
    typer.Option(
        "--batch-size",
        metavar="N|full",
        help="Samples in one step; short for --set training.batch_size=N. predict takes several: 4,32,256,full.",
    ),
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


@dataclass(frozen=True)
class SpecOptions:
    """How a verb reads its specs and predicts them: a verb with a parameter of this type has these options.

    :func:`lrbound.cli.parameters.unfolded` puts them in its place.
    """

    method: MethodOption = "mean-field"
    batch_statistics: StatisticsOption = "through"
    batch_size: BatchSizeOption = None
    momentum: MomentumOption = None
    loss: LossOption = None
    settings: SetOption = None

    @property
    def overrides(self) -> list[Override]:
        """The changes to the spec in the order in which they apply; ``--set`` comes last and wins."""
        shorthands = {
            "training.batch_size": self.batch_size,
            "training.optimizer.momentum": self.momentum,
            "training.loss": self.loss,
        }
        return [
            *((path, value) for path, value in shorthands.items() if value is not None),
            *(_split(text) for text in self.settings or ()),
        ]


def parse_jobs(text: str | None) -> int:
    """Return the number of processes."""
    if text is None:
        return 1
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= MOST_JOBS):
        raise typer.BadParameter(f"must be a number from 1 to {MOST_JOBS}, got {text!r}", param_hint="'--jobs'")
    return int(text)


def format_option(*results: str) -> Any:
    """Return the option ``--format`` of a verb with these results: a choice of the formats that can show all of them.

    Only the format that is asked for is imported; all are where the choices must be listed.
    """

    def chosen(value: str) -> str:
        if not (value in REPORTS and REPORTS.get(value).supports.issuperset(results)):
            raise typer.BadParameter(f"{value!r} is not one of {', '.join(map(repr, formats(*results)))}")
        return value

    def complete(incomplete: str) -> list[str]:
        return [name for name in formats(*results) if name.startswith(incomplete)]

    def metavar() -> str:
        return f"<{'|'.join(formats(*results))}>"

    late: Any = metavar
    return typer.Option(
        "--format", metavar=late, callback=chosen, autocompletion=complete, help="How to print the result."
    )


def _split(text: str) -> Override:
    path, equals, value = text.partition("=")
    if not (path.strip() and equals):
        raise typer.BadParameter(f"{text!r} is not PATH=VALUE, such as training.batch_size=128", param_hint="'--set'")
    return path.strip(), value.strip()
