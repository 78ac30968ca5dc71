"""``lrbound check``: whether a learning rate is at most the maximum, as an exit status."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated

import typer

from lrbound.cli._explore import parse_rate
from lrbound.cli._notices import NoticeOptions  # noqa: TC001 - typer reads the annotations
from lrbound.cli.core import load_network_or_model, predict_network
from lrbound.cli.exit import ExitCode, refuse
from lrbound.cli.options import ArgOption, InputOption, SpecOptions, SpecOrModelArgument, format_option
from lrbound.cli.output import emit, report
from lrbound.report.base import CheckResult

if TYPE_CHECKING:
    from lrbound.losses.base import Loss
    from lrbound.network import Training
    from lrbound.prediction import Prediction

FormatOption = Annotated[str, format_option("check")]
RateOption = Annotated[
    str | None,
    typer.Option("--lr", metavar="RATE", help="The learning rate to check; without it the spec's own learning_rate."),
]
FailAboveOption = Annotated[
    str | None,
    typer.Option(
        "--fail-above",
        metavar="max|curvature|NUMBER",
        help="The largest rate that passes: max_learning_rate, bounds.curvature or a number, such as --fail-above 0.1. A "
        "rate above the recommended one that passes is a warning. Without it max, and for losses of probabilities, which have "
        "no hard limit, the multiple of that at which half of the trained networks failed.",
    ),
]
LEVELS = ("max", "curvature")
NO_RATE = "error: no learning rate to check: give --lr, or training.optimizer.learning_rate in the spec"


def command(
    spec: SpecOrModelArgument,
    *,
    lr: RateOption = None,
    fail_above: FailAboveOption = None,
    output: FormatOption = "text",
    shape: InputOption = None,
    arguments: ArgOption = None,
    options: SpecOptions,
    notices: NoticeOptions,
) -> None:
    """Check a learning rate; exit status 1 if it is too high.

    It is 0 if the rate is at most the level of --fail-above, with a warning where the rate is above the recommended one, and 2 if
    there is no rate or no maximum to compare. An adaptive optimiser has no maximum: a rate above that of its first step is a
    warning.

    Example: lrbound check net.yaml --lr 0.1 --fail-above curvature
    """
    fixed = None if fail_above is None or fail_above in LEVELS else parse_rate(fail_above, "--fail-above")
    given = None if lr is None else parse_rate(lr)
    network = load_network_or_model("check", spec, options, shape, arguments)
    rate = network.training.optimizer.learning_rate if given is None else given
    if rate is None:
        raise refuse(NO_RATE)
    prediction = notices.without_ignored(predict_network(network, options, spec))
    level = _level(fail_above, prediction, network.training.loss) if fixed is None else fixed
    result = compare(rate, prediction, spec, network.training, level)
    notices.say(prediction.warnings, output)
    emit(report(output).check(result))
    raise typer.Exit(notices.status(prediction.warnings, ExitCode.OK if result.ok else ExitCode.CHECK_FAILED))


def _level(name: str | None, prediction: Prediction, loss: Loss) -> float | None:
    """Return the rate of a level that a prediction has; None stands for the maximum."""
    if name is None and loss.tolerated > 1.0 and prediction.max_learning_rate is not None:
        return loss.tolerated * prediction.max_learning_rate
    if name is None or name == "max":
        return None
    if prediction.bounds.curvature is None:
        raise refuse(
            "\n".join(("error: bounds.curvature is not known for this network", *map(str, prediction.warnings)))
        )
    return prediction.bounds.curvature


def compare(
    rate: float, prediction: Prediction, spec: str, training: Training, fail_above: float | None = None
) -> CheckResult:
    """Hold a rate against a prediction: it passes up to ``fail_above``, by default the maximum."""
    largest = prediction.max_learning_rate
    place = (training.line, training.column, fail_above)
    if largest is None and prediction.first_step_learning_rate is not None:
        ok = fail_above is None or rate <= fail_above
        return CheckResult(ok, rate, None, None, prediction, spec, *place)
    if largest is None:
        raise refuse(
            "\n".join(("error: no largest stable rate is known for this network", *map(str, prediction.warnings)))
        )
    ratio = rate / largest if largest > 0 else math.inf
    ok = rate <= (largest if fail_above is None else fail_above)
    return CheckResult(ok, rate, largest, ratio, prediction, spec, *place)
