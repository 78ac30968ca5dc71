"""``lrbound predict``: lambda_max and the learning rates of one spec."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from lrbound.cli._data import ArrayOption, MeanOption, StdOption, TargetsOption, read_statistics
from lrbound.cli._explore import one_line_errors
from lrbound.cli.core import load_network, predict_network
from lrbound.cli.options import (
    BatchSizeOption,
    FormatOption,
    LossOption,
    MethodOption,
    MomentumOption,
    SetOption,
    SpecArgument,
    StatisticsOption,
    overrides,
)
from lrbound.cli.output import emit, emit_warnings, report

DataOption = Annotated[
    str | None,
    typer.Option("--data", metavar="FILE", help="Predict for samples with the statistics of these (see stats)."),
]


def command(
    spec: SpecArgument,
    *,
    output: FormatOption = "text",
    method: MethodOption = "mean-field",
    batch_statistics: StatisticsOption = "through",
    batch_size: BatchSizeOption = None,
    momentum: MomentumOption = None,
    loss: LossOption = None,
    settings: SetOption = None,
    data: DataOption = None,
    array: ArrayOption = None,
    targets: TargetsOption = None,
    mean: MeanOption = None,
    std: StdOption = None,
) -> None:
    """Print the largest stable learning rate of a network.

    With it come the curvature that it follows from, layer by layer, and what the numbers assume.
    """
    changes = overrides(batch_size=batch_size, momentum=momentum, loss=loss, settings=settings)
    network = load_network(spec, changes)
    if data is not None:
        with one_line_errors():
            found = read_statistics(data, array=array, targets=targets, mean=mean, std=std)
            scale = network.training.target_scale if found.target_scale is None else found.target_scale
            network = replace(
                network, input=found.law(network.input.shape), training=replace(network.training, target_scale=scale)
            )
    prediction = predict_network(network, method, batch_statistics)
    if method == "mean-field" and batch_statistics == "through":
        from lrbound.unknown_data import unknown_data

        prediction = replace(prediction, warnings=(*prediction.warnings, *unknown_data(network)))
    emit_warnings(prediction, output)
    emit(report(output).prediction(prediction))
