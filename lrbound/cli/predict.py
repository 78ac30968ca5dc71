"""``lrbound predict``: lambda_max and the learning rates of one spec."""

from __future__ import annotations

from lrbound.cli.core import load_network_or_model, predict_network
from lrbound.cli.options import (
    ArgOption,
    BatchSizeOption,
    FormatOption,
    InputOption,
    LossOption,
    MethodOption,
    MomentumOption,
    SetOption,
    SpecOrModelArgument,
    StatisticsOption,
    overrides,
)
from lrbound.cli.output import emit, emit_warnings, report


def command(
    spec: SpecOrModelArgument,
    *,
    output: FormatOption = "text",
    method: MethodOption = "mean-field",
    batch_statistics: StatisticsOption = "through",
    batch_size: BatchSizeOption = None,
    momentum: MomentumOption = None,
    loss: LossOption = None,
    settings: SetOption = None,
    shape: InputOption = None,
    arguments: ArgOption = None,
) -> None:
    """Print the largest stable learning rate of a network.

    With it come the curvature that it follows from, layer by layer, and what the numbers assume.
    """
    changes = overrides(batch_size=batch_size, momentum=momentum, loss=loss, settings=settings)
    prediction = predict_network(
        load_network_or_model("predict", spec, changes, shape, arguments), method, batch_statistics
    )
    emit_warnings(prediction, output)
    emit(report(output).prediction(prediction))
