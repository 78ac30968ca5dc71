"""``lrbound report``: the answer for one or more specs as a page to look at."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from lrbound.cli._explore import one_line_errors, predictor, read_source
from lrbound.cli._files import FileOptions  # noqa: TC001 - typer reads the annotations
from lrbound.cli._notices import NoticeOptions  # noqa: TC001 - typer reads the annotations
from lrbound.cli._progress import progress_bar
from lrbound.cli._specs import expand
from lrbound.cli.options import SpecOptions, format_option
from lrbound.cli.output import report

SpecsArgument = Annotated[
    list[str], typer.Argument(metavar="SPEC", help="Architectures in YAML: files, patterns, folders; - for stdin.")
]
FormatOption = Annotated[str, format_option("portraits")]


def command(
    specs: SpecsArgument,
    *,
    output: FormatOption = "html",
    files: FileOptions,
    options: SpecOptions,
    notices: NoticeOptions,
) -> None:
    """Write a page with the answer, its reasons and what moves it.

    It is one file that needs no network.

    Example: lrbound report net.yaml -o net.html
    """
    files.check()
    notices.say_defaults()
    with one_line_errors():
        from lrbound.explore.portrait import portrait

        portraits = []
        for source in [read_source(spec, options) for spec in expand(specs)]:
            with progress_bar(f"predicting {source.network().name}") as progress:
                found = portrait(source, predictor(options), progress)
            portraits.append(replace(found, prediction=notices.without_ignored(found.prediction)))
    many = len(portraits) > 1
    said = [
        notice.within(one.prediction.name if many else "") for one in portraits for notice in one.prediction.warnings
    ]
    notices.say(said, output)
    files.emit(report(output).portraits(portraits))
    raise typer.Exit(notices.status(said))
