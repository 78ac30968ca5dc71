"""``lrbound stats``: what a spec wants to know about data."""

from __future__ import annotations

from typing import Annotated

import typer

from lrbound.cli._data import ArrayOption, MeanOption, StdOption, TargetsOption, read_statistics
from lrbound.cli._explore import one_line_errors
from lrbound.cli._files import FileOptions  # noqa: TC001 - typer reads the annotations
from lrbound.cli._notices import NoticeOptions  # noqa: TC001 - typer reads the annotations
from lrbound.cli._progress import progress_bar
from lrbound.cli.options import format_option
from lrbound.cli.output import report

FormatOption = Annotated[str, format_option("statistics")]
DataArgument = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help="Samples: .npy, .npz, .csv, .parquet, IDX (MNIST), CIFAR's binary batches, or a folder of images.",
    ),
]
WriteOption = Annotated[
    str | None, typer.Option("--write", metavar="SPEC", help="Put the statistics into the input of this spec.")
]


def command(
    data: DataArgument,
    *,
    array: ArrayOption = None,
    targets: TargetsOption = None,
    mean: MeanOption = None,
    std: StdOption = None,
    write: WriteOption = None,
    output: FormatOption = "text",
    notices: NoticeOptions,
    files: FileOptions,
) -> None:
    """Print the statistics of data that a spec's input states.

    They are mean square, correlation, the share of the first principal component, and how norms vary.

    Example: lrbound stats train.npz --array x --write net.yaml
    """
    files.check()
    with one_line_errors(), progress_bar("reading"):
        result = read_statistics(data, array=array, targets=targets, mean=mean, std=std)
        if write is not None:
            from lrbound.explore.write_statistics import write_statistics

            write_statistics(write, result)
    result = notices.without_ignored(result)
    notices.say(result.warnings, output)
    files.emit(report(output).statistics(result))
    raise typer.Exit(notices.status(result.warnings))
