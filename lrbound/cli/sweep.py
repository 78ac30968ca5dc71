"""``lrbound sweep``: lambda_max and the rates along one or two knobs."""

from __future__ import annotations

from typing import Annotated

import typer

from lrbound.cli._completion import complete_vary
from lrbound.cli._explore import one_line_errors, predictor, read_source
from lrbound.cli._extras import need
from lrbound.cli._files import FileOptions  # noqa: TC001 - typer reads the annotations
from lrbound.cli._notices import NoticeOptions  # noqa: TC001 - typer reads the annotations
from lrbound.cli._progress import progress_bar
from lrbound.cli.exit import refuse
from lrbound.cli.options import SpecArgument, SpecOptions, format_option
from lrbound.cli.output import report

PICTURES = (".png", ".svg", ".pdf")
MOST_KNOBS = 2

FormatOption = Annotated[str, format_option("sweep")]
VaryOption = Annotated[
    list[str],
    typer.Option(
        "--vary",
        metavar="PATH=RANGE",
        autocompletion=complete_vary,
        help="A knob and its values, once or twice: gamma=0.1:5:50 (equal ratios), momentum=lin:0:0.9:10 (equal "
        "steps), batch_size=32,64,full. A knob is a path, or a name such as gamma, width, depth, batch_size.",
    ),
]
AlsoOption = Annotated[
    list[str] | None, typer.Option("--also", metavar="SPEC", help="Another spec beside it; repeatable.")
]
PlotOption = Annotated[
    str | None, typer.Option("--plot", metavar="FILE", help="Draw lambda_max and the rate: .png, .svg or .pdf.")
]


def command(
    spec: SpecArgument,
    *,
    vary: VaryOption,
    also: AlsoOption = None,
    output: FormatOption = "text",
    plot: PlotOption = None,
    files: FileOptions,
    options: SpecOptions,
    notices: NoticeOptions,
) -> None:
    """Print lambda_max and the learning rates along one or two knobs.

    Example: lrbound sweep net.yaml --vary gamma=0.1:5:50 --plot gamma.svg
    """
    if len(vary) > MOST_KNOBS:
        raise refuse(f"error: at most {MOST_KNOBS} knobs can be varied, got {len(vary)}")
    if plot is not None:
        if not plot.lower().endswith(PICTURES):
            raise refuse(f"error: --plot draws {', '.join(PICTURES)} files, got {plot}")
        need("sweep --plot", "plot", "matplotlib")
    files.check(*([] if plot is None else [plot]))
    with one_line_errors():
        from lrbound.explore.knobs import split_vary
        from lrbound.explore.ranges import parse_range
        from lrbound.explore.sweep import sweep

        varied = [(name, parse_range(values)) for name, values in map(split_vary, vary)]
        sources = [read_source(one, options) for one in (spec, *(also or ()))]
        with progress_bar("sweeping") as progress:
            result = sweep(sources, varied, predictor(options), progress)
        if plot is not None:
            from lrbound.explore.picture import save_picture

            try:
                save_picture(result, plot)
            except OSError as error:
                raise refuse(f"error: cannot write {plot}: {error.strerror or error}") from error
    result = notices.without_ignored(result)
    notices.say(result.warnings, output)
    files.emit(report(output).sweep(result))
    raise typer.Exit(notices.status(result.warnings))
