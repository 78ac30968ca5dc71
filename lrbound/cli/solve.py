"""``lrbound solve``: the value of a knob at which a learning rate is just stable."""

from __future__ import annotations

from typing import Annotated

import typer

from lrbound.cli._explore import KnobOption, one_line_errors, parse_rate, predictor, read_source
from lrbound.cli._files import FileOptions  # noqa: TC001 - typer reads the annotations
from lrbound.cli._notices import NoticeOptions  # noqa: TC001 - typer reads the annotations
from lrbound.cli._progress import progress_bar
from lrbound.cli.exit import ExitCode
from lrbound.cli.options import SpecArgument, SpecOptions, format_option
from lrbound.cli.output import report

FormatOption = Annotated[str, format_option("solutions")]
RateOption = Annotated[str, typer.Option("--lr", metavar="RATE", help="The learning rate that is to be just stable.")]
RangeOption = Annotated[
    str | None, typer.Option("--range", metavar="LOW:HIGH", help="Where to look; by default all that the knob can be.")
]


def command(
    spec: SpecArgument,
    *,
    vary: KnobOption,
    lr: RateOption,
    span: RangeOption = None,
    output: FormatOption = "text",
    options: SpecOptions,
    notices: NoticeOptions,
    files: FileOptions,
) -> None:
    """Find the value of a knob at which a rate is just stable.

    The exit status is 1 if there is none.

    Example: lrbound solve net.yaml --vary gamma --lr 0.1
    """
    rate = parse_rate(lr)
    files.check()
    with one_line_errors(), progress_bar("solving"):
        from lrbound.explore.ranges import parse_bounds
        from lrbound.explore.solve import solve

        bounds = None if span is None else parse_bounds(span)
        result = solve(read_source(spec, options), vary, rate, predictor(options), bounds)
    result = notices.without_ignored(result)
    notices.say(result.warnings, output)
    files.emit(report(output).solutions(result))
    otherwise = ExitCode.OK if result.solutions else ExitCode.CHECK_FAILED
    raise typer.Exit(notices.status(result.warnings, otherwise))
