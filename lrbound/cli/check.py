"""``lrbound check``: whether a learning rate is at most the maximum, as an exit status."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated

import typer

from lrbound.cli._explore import parse_rate
from lrbound.cli.core import load_network_or_model, predict_network
from lrbound.cli.exit import ExitCode, refuse
from lrbound.cli.options import ArgOption, InputOption, SpecOptions, SpecOrModelArgument, format_option
from lrbound.cli.output import emit, emit_warnings, report
from lrbound.report.base import CheckResult

if TYPE_CHECKING:
    from lrbound.network import Training
    from lrbound.prediction import Prediction

FormatOption = Annotated[str, format_option("check")]
RateOption = Annotated[
    str | None,
    typer.Option("--lr", metavar="RATE", help="The learning rate to check; without it the spec's own learning_rate."),
]
NO_RATE = "error: no learning rate to check: give --lr, or training.optimizer.learning_rate in the spec"


def command(
    spec: SpecOrModelArgument,
    *,
    lr: RateOption = None,
    output: FormatOption = "text",
    shape: InputOption = None,
    arguments: ArgOption = None,
    options: SpecOptions,
) -> None:
    """Check a learning rate; exit status 1 if it is too high.

    It is 0 if the rate is at most the maximum, and 2 if there is no rate or no maximum to compare.
    """
    given = None if lr is None else parse_rate(lr)
    network = load_network_or_model("check", spec, options, shape, arguments)
    rate = network.training.optimizer.learning_rate if given is None else given
    if rate is None:
        raise refuse(NO_RATE)
    prediction = predict_network(network, options)
    result = compare(rate, prediction, spec, network.training)
    emit_warnings(prediction.warnings, output)
    emit(report(output).check(result))
    raise typer.Exit(ExitCode.OK if result.ok else ExitCode.CHECK_FAILED)


def compare(rate: float, prediction: Prediction, spec: str, training: Training) -> CheckResult:
    """Hold a rate against the maximum of a prediction."""
    largest = prediction.max_learning_rate
    if largest is None:
        raise refuse("\n".join(("error: no largest stable rate is known for this network", *prediction.warnings)))
    ratio = rate / largest if largest > 0 else math.inf
    return CheckResult(rate <= largest, rate, largest, ratio, prediction, spec, training.line, training.column)
