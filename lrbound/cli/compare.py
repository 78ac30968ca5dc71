"""``lrbound compare``: specs side by side, and what makes their rates differ."""

from __future__ import annotations

from typing import Annotated

import typer

from lrbound.cli._explore import one_line_errors, predictor, read_source, warn
from lrbound.cli.exit import refuse
from lrbound.cli.options import (
    BatchSizeOption,
    FormatOption,
    LossOption,
    MethodOption,
    MomentumOption,
    SetOption,
    StatisticsOption,
    overrides,
)
from lrbound.cli.output import emit, report

SpecsArgument = Annotated[
    list[str],
    typer.Argument(metavar="SPEC SPEC ...", help="Architectures; the first is what the others are held against."),
]
FEWEST = 2


def command(
    specs: SpecsArgument,
    *,
    output: FormatOption = "text",
    method: MethodOption = "mean-field",
    batch_statistics: StatisticsOption = "through",
    batch_size: BatchSizeOption = None,
    momentum: MomentumOption = None,
    loss: LossOption = None,
    settings: SetOption = None,
) -> None:
    """Print specs side by side, what differs, and what each difference does to the rate."""
    if len(specs) < FEWEST:
        raise refuse("error: compare needs two specs or more")
    changes = overrides(batch_size=batch_size, momentum=momentum, loss=loss, settings=settings)
    with one_line_errors():
        from lrbound.explore.compare import compare
        from lrbound.explore.source import named_apart

        networks = [source.network() for source in named_apart([read_source(one, changes) for one in specs])]
        result = compare(networks, predictor(method, batch_statistics))
    for prediction in result.predictions:
        warn([f"{prediction.name}: {text}" for text in prediction.warnings], output)
    emit(report(output).comparison(result))
