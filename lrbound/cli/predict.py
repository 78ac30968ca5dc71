"""``lrbound predict``: lambda_max and the learning rates of one spec."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from lrbound.cli._explore import one_line_errors, predictor
from lrbound.cli.core import load_network, predict_network
from lrbound.cli.options import SpecArgument, SpecOptions, format_option
from lrbound.cli.output import emit, emit_warnings, report

FormatOption = Annotated[str, format_option("prediction", "predictions")]


def command(
    spec: SpecArgument,
    *,
    output: FormatOption = "text",
    options: SpecOptions,
) -> None:
    """Print the largest stable learning rate of a network.

    With it come the curvature that it follows from, layer by layer, and what the numbers assume.
    Several batch sizes give a table: lrbound predict net.yaml --batch-size 4,32,256,full
    """
    if options.batch_size is not None and "," in options.batch_size:
        _several(spec, options.batch_size.split(","), options, output)
        return
    prediction = predict_network(load_network(spec, options), options)
    emit_warnings(prediction.warnings, output)
    emit(report(output).prediction(prediction))


def _several(spec: str, sizes: list[str], options: SpecOptions, output: str) -> None:
    with one_line_errors():
        from lrbound.explore.source import Source
        from lrbound.spec.parse import read

        text, predict = read(spec), predictor(options)
        sources = [
            Source(*text, overrides=tuple(replace(options, batch_size=size.strip()).overrides)) for size in sizes
        ]
        predictions = [predict(source.network()) for source in sources]
    for size, prediction in zip(sizes, predictions, strict=True):
        emit_warnings([f"batch size {size.strip()}: {sentence}" for sentence in prediction.warnings], output)
    emit(report(output).predictions(predictions))
