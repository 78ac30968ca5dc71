"""``lrbound compare``: specs side by side and what makes their rates differ, or one spec with each normaliser."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from lrbound.cli._completion import complete_normalizers
from lrbound.cli._explore import one_line_errors, predictor, read_source
from lrbound.cli._files import FileOptions  # noqa: TC001 - typer reads the annotations
from lrbound.cli._notices import NoticeOptions  # noqa: TC001 - typer reads the annotations
from lrbound.cli._progress import progress_bar
from lrbound.cli.exit import refuse
from lrbound.cli.options import SpecOptions, format_option
from lrbound.cli.output import report

FormatOption = Annotated[str, format_option("comparison", "normalizers")]
SpecsArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="SPEC", help="Architectures; the first is what the others are held against. One with --normalizers."
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
    options: SpecOptions,
    notices: NoticeOptions,
    files: FileOptions,
) -> None:
    """Print specs side by side, and what their differences do.

    With --normalizers: one spec with each normaliser in place of its own.

    Example: lrbound compare small.yaml wide.yaml
    """
    files.check()
    if normalizers is not None:
        _normalizers(specs, normalizers, options, notices, files, output)
    if len(specs) < FEWEST:
        raise refuse("error: compare needs two specs or more, or one with --normalizers")
    with one_line_errors(), progress_bar("comparing"):
        from lrbound.explore.compare import compare
        from lrbound.explore.source import named_apart

        networks = [source.network() for source in named_apart([read_source(one, options) for one in specs])]
        result = compare(networks, predictor(options))
    result = replace(result, predictions=tuple(map(notices.without_ignored, result.predictions)))
    said = [notice.within(one.name) for one in result.predictions for notice in one.warnings]
    notices.say(said, output)
    files.emit(report(output).comparison(result))
    raise typer.Exit(notices.status(said))


def _normalizers(
    specs: list[str], normalizers: str, options: SpecOptions, notices: NoticeOptions, files: FileOptions, output: str
) -> None:
    if len(specs) != 1:
        raise refuse(f"error: --normalizers takes one spec, got {len(specs)}")
    with one_line_errors():
        from lrbound.explore.normaliser_table import normaliser_table
        from lrbound.explore.normalisers import split_names

        kinds = split_names(normalizers)
        network = read_source(specs[0], options).network()
        with progress_bar("comparing") as progress:
            result = normaliser_table(network, kinds, predictor(options), progress)
    result = notices.without_ignored(result)
    notices.say(result.warnings, output)
    files.emit(report(output).normalizers(result))
    raise typer.Exit(notices.status(result.warnings))
