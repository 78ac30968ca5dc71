"""``lrbound stats``: what a spec wants to know about data."""

from __future__ import annotations

from typing import Annotated

import typer

from lrbound.cli._explore import one_line_errors
from lrbound.cli.options import format_option
from lrbound.cli.output import emit, emit_warnings, report

FormatOption = Annotated[str, format_option("statistics")]
DataArgument = Annotated[
    str, typer.Argument(metavar="DATA", help="Samples along the first axis: .npy, .npz, or .csv with one a line.")
]
ArrayOption = Annotated[
    str | None, typer.Option("--array", metavar="NAME", help="Which array of an .npz file; x, or the only one.")
]


def command(data: DataArgument, *, array: ArrayOption = None, output: FormatOption = "text") -> None:
    """Print mean square and correlation of data, as a spec's input states them."""
    with one_line_errors():
        from lrbound.errors import Refused
        from lrbound.explore.data_file import read_data
        from lrbound.explore.statistics import statistics

        samples = read_data(data, array)
        try:
            result = statistics(samples, data)
        except Refused as error:
            raise Refused(f"{data}: {error}") from None
    emit_warnings(result.warnings, output)
    emit(report(output).statistics(result))
