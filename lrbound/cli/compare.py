"""``lrbound compare``: specs side by side and what makes their rates differ, or one spec with each normaliser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from lrbound.cli._completion import complete_normalizers
from lrbound.cli._explore import one_line_errors, predictor, read_source, warn
from lrbound.cli._progress import progress_bar
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

if TYPE_CHECKING:
    from lrbound.cli.options import Override
    from lrbound.explore.source import Predict

SpecsArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="SPEC ...", help="Architectures; the first is what the others are held against. One with --normalizers."
    ),
]
NormalizersOption = Annotated[
    str | None,
    typer.Option(
        "--normalizers",
        metavar="all|NAME,NAME,...",
        autocompletion=complete_normalizers,
        help="Compare one spec with itself: each of these normalisers in place of its own, such as layer,group. none, "
        "the baseline, is always there.",
    ),
]
FEWEST = 2


def command(
    specs: SpecsArgument,
    *,
    normalizers: NormalizersOption = None,
    output: FormatOption = "text",
    method: MethodOption = "mean-field",
    batch_statistics: StatisticsOption = "through",
    batch_size: BatchSizeOption = None,
    momentum: MomentumOption = None,
    loss: LossOption = None,
    settings: SetOption = None,
) -> None:
    """Print specs side by side, what differs, and what each difference does to the rate.

    With --normalizers: one spec with each normaliser in place of its own.
    """
    changes = overrides(batch_size=batch_size, momentum=momentum, loss=loss, settings=settings)
    if normalizers is not None:
        _normalizers(specs, normalizers, changes, predictor(method, batch_statistics), output)
        return
    if len(specs) < FEWEST:
        raise refuse("error: compare needs two specs or more, or one with --normalizers")
    with one_line_errors():
        from lrbound.explore.compare import compare
        from lrbound.explore.source import named_apart

        networks = [source.network() for source in named_apart([read_source(one, changes) for one in specs])]
        result = compare(networks, predictor(method, batch_statistics))
    for prediction in result.predictions:
        warn([f"{prediction.name}: {text}" for text in prediction.warnings], output)
    emit(report(output).comparison(result))


def _normalizers(
    specs: list[str], normalizers: str, changes: list[Override], predict: Predict, output: Literal["text", "json"]
) -> None:
    if len(specs) != 1:
        raise refuse(f"error: --normalizers takes one spec, got {len(specs)}")
    with one_line_errors():
        from lrbound.explore.normaliser_table import normaliser_table
        from lrbound.explore.normalisers import split_names

        kinds = split_names(normalizers)
        network = read_source(specs[0], changes).network()
        with progress_bar("comparing") as progress:
            result = normaliser_table(network, kinds, predict, progress)
    warn(result.warnings, output)
    emit(report(output).normalizers(result))
