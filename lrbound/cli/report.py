"""``lrbound report``: the answer for one or more specs as a page to look at."""

from __future__ import annotations

from typing import Annotated

import typer

from lrbound.cli._explore import ForceOption, one_line_errors, predictor, read_source
from lrbound.cli._files import check_free, write_text
from lrbound.cli._progress import progress_bar
from lrbound.cli.options import SpecOptions, format_option
from lrbound.cli.output import emit, report

SpecsArgument = Annotated[list[str], typer.Argument(metavar="SPEC...", help="Architectures in YAML, or - for stdin.")]
FormatOption = Annotated[str, format_option("portraits")]
PageOption = Annotated[
    str | None, typer.Option("-o", "--output", metavar="FILE", help="Write the page here, not to the standard output.")
]


def command(
    specs: SpecsArgument,
    *,
    page: PageOption = None,
    force: ForceOption = False,
    output: FormatOption = "html",
    options: SpecOptions,
) -> None:
    """Write a page with the answer, its reasons and what moves it.

    It is one file that needs no network.

    Example: lrbound report net.yaml -o net.html
    """
    if page is not None:
        check_free([page], force=force)
    with one_line_errors():
        from lrbound.explore.portrait import portrait

        portraits = []
        for source in [read_source(spec, options) for spec in specs]:
            with progress_bar(f"predicting {source.network().name}") as progress:
                portraits.append(portrait(source, predictor(options), progress))
    text = report(output).portraits(portraits)
    if page is None:
        emit(text)
    else:
        write_text(page, text + "\n")
