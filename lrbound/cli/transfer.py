"""``lrbound transfer``: a learning rate that works for one network, carried to another."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from lrbound.cli._explore import one_line_errors, parse_rate, predictor, read_source
from lrbound.cli._files import FileOptions  # noqa: TC001 - typer reads the annotations
from lrbound.cli._notices import NoticeOptions  # noqa: TC001 - typer reads the annotations
from lrbound.cli._progress import progress_bar
from lrbound.cli.exit import refuse
from lrbound.cli.options import SpecOptions, format_option
from lrbound.cli.output import report

FormatOption = Annotated[str, format_option("transfer")]
BaseArgument = Annotated[str, typer.Argument(metavar="BASE", help="Architecture for which the rate works.")]
NewArgument = Annotated[str, typer.Argument(metavar="NEW", help="Architecture to which it is carried.")]
RateOption = Annotated[str, typer.Option("--lr", metavar="RATE", help="The learning rate that works for BASE.")]


def command(
    base: BaseArgument,
    new: NewArgument,
    *,
    lr: RateOption,
    output: FormatOption = "text",
    options: SpecOptions,
    notices: NoticeOptions,
    files: FileOptions,
) -> None:
    """Carry a learning rate from one network to another.

    The networks may differ in width, depth, batch, loss or normaliser. The rate is multiplied by the ratio of the largest rates.

    Example: lrbound transfer small.yaml wide.yaml --lr 0.1
    """
    rate = parse_rate(lr)
    if base == new == "-":
        raise refuse("error: only one of BASE and NEW can be the standard input")
    files.check()
    with one_line_errors(), progress_bar("predicting"):
        from lrbound.explore.source import named_apart
        from lrbound.explore.transfer import transfer

        predict = predictor(options)
        sources = named_apart([read_source(one, options) for one in (base, new)])
        before, after = (predict(source.network()) for source in sources)
        result = transfer(before, after, rate)
    both = [notices.without_ignored(one) for one in (result.base, result.new)]
    result = replace(notices.without_ignored(result), base=both[0], new=both[1])
    said = (*(notice.within(one.name) for one in both for notice in one.warnings), *result.warnings)
    notices.say(said, output)
    files.emit(report(output).transfer(result))
    raise typer.Exit(notices.status(said))
