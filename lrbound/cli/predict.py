"""``lrbound predict``: lambda_max and the learning rates of one spec."""

from __future__ import annotations

from typing import Annotated

from lrbound.cli.core import load_network, predict_network
from lrbound.cli.options import SpecArgument, SpecOptions, format_option
from lrbound.cli.output import emit, emit_warnings, report

FormatOption = Annotated[str, format_option("prediction")]


def command(
    spec: SpecArgument,
    *,
    output: FormatOption = "text",
    options: SpecOptions,
) -> None:
    """Print the largest stable learning rate of a network.

    With it come the curvature that it follows from, layer by layer, and what the numbers assume.
    """
    prediction = predict_network(load_network(spec, options), options)
    emit_warnings(prediction.warnings, output)
    emit(report(output).prediction(prediction))
