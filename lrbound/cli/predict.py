"""``lrbound predict``: lambda_max and the learning rates of one spec."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from lrbound.cli._data import ArrayOption, MeanOption, StdOption, TargetsOption, read_statistics
from lrbound.cli._explore import one_line_errors
from lrbound.cli.core import load_network_or_model, predict_network
from lrbound.cli.options import ArgOption, InputOption, SpecOptions, SpecOrModelArgument, format_option
from lrbound.cli.output import emit, emit_warnings, report

if TYPE_CHECKING:
    from lrbound.network import Network

FormatOption = Annotated[str, format_option("prediction")]
DataOption = Annotated[
    str | None,
    typer.Option("--data", metavar="FILE", help="Predict for samples with the statistics of these (see stats)."),
]


def command(
    spec: SpecOrModelArgument,
    *,
    options: SpecOptions,
    shape: InputOption = None,
    arguments: ArgOption = None,
    data: DataOption = None,
    array: ArrayOption = None,
    targets: TargetsOption = None,
    mean: MeanOption = None,
    std: StdOption = None,
    output: FormatOption = "text",
) -> None:
    """Print the largest learning rate that training survives.

    With it come the one to start with, the curvature that it follows from, layer by layer, and what the numbers assume.
    """
    network = load_network_or_model("predict", spec, options, shape, arguments)
    if data is not None:
        with one_line_errors():
            network = _on_data(network, data, array=array, targets=targets, mean=mean, std=std)
    prediction = predict_network(network, options)
    if options.method == "mean-field" and options.batch_statistics == "through":
        from lrbound.unknown_data import unknown_data

        prediction = replace(prediction, warnings=(*prediction.warnings, *unknown_data(network)))
    emit_warnings(prediction.warnings, output)
    emit(report(output).prediction(prediction))


def _on_data(network: Network, data: str, **reading: str | None) -> Network:
    """Return the network on samples with the statistics of a file."""
    found = read_statistics(data, **reading)
    scale = network.training.target_scale if found.target_scale is None else found.target_scale
    return replace(
        network, input=found.law(network.input.shape), training=replace(network.training, target_scale=scale)
    )
