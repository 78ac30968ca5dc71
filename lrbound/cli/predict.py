"""``lrbound predict``: lambda_max and the learning rates of one spec."""

from __future__ import annotations

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
) -> None:
    """Print the largest stable learning rate of a network.

    With it come the curvature that it follows from, layer by layer, and what the numbers assume.
    """
    changes = overrides(batch_size=batch_size, momentum=momentum, loss=loss, settings=settings)
    prediction = predict_network(load_network(spec, changes), method, batch_statistics)
    emit_warnings(prediction, output)
    emit(report(output).prediction(prediction))
