"""``lrbound predict``: lambda_max and the learning rates of one spec."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

import typer

from lrbound.cli._data import ArrayOption, MeanOption, StdOption, TargetsOption, read_statistics
from lrbound.cli._explore import one_line_errors
from lrbound.cli._notices import NoticeOptions  # noqa: TC001 - typer reads the annotations
from lrbound.cli.core import load_network_or_model, predict_network
from lrbound.cli.exit import refuse
from lrbound.cli.options import ArgOption, InputOption, SpecOptions, SpecOrModelArgument, format_option
from lrbound.cli.output import emit, report

if TYPE_CHECKING:
    from lrbound.explore.statistics import Statistics
    from lrbound.network import Network
    from lrbound.prediction import Prediction

FormatOption = Annotated[str, format_option("prediction", "predictions")]
DataOption = Annotated[
    str | None,
    typer.Option("--data", metavar="FILE", help="Predict for samples with the statistics of these (see stats)."),
]


def command(
    spec: SpecOrModelArgument,
    *,
    options: SpecOptions,
    notices: NoticeOptions,
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

    With it come the one to start with, the curvature that it follows from, layer by layer, and what the numbers assume. Several
    batch sizes give a table.

    Example: lrbound predict net.yaml --batch-size 4,32,256,full
    """
    statistics = None
    if data is not None:
        with one_line_errors():
            statistics = read_statistics(data, array=array, targets=targets, mean=mean, std=std)
    case = _Case(spec, shape, arguments, statistics)
    sizes = (options.batch_size or "").split(",")
    if len(sizes) == 1:
        prediction = notices.without_ignored(case.predict(options))
        notices.say(prediction.warnings, output)
        emit(report(output).prediction(prediction))
        raise typer.Exit(notices.status(prediction.warnings))
    if spec == "-":
        raise refuse("error: several batch sizes need the spec as a file: stdin can be read once")
    predictions = [notices.without_ignored(case.predict(replace(options, batch_size=size.strip()))) for size in sizes]
    said = [
        notice.within(f"batch size {size.strip()}")
        for size, prediction in zip(sizes, predictions, strict=True)
        for notice in prediction.warnings
    ]
    notices.say(said, output)
    emit(report(output).predictions(predictions))
    raise typer.Exit(notices.status(said))


@dataclass(frozen=True)
class _Case:
    """What is predicted, but for the options; the statistics are those of a data file, if one is given."""

    spec: str
    shape: str | None
    arguments: list[str] | None
    statistics: Statistics | None

    def predict(self, options: SpecOptions) -> Prediction:
        network = load_network_or_model("predict", self.spec, options, self.shape, self.arguments)
        if self.statistics is not None:
            with one_line_errors():
                network = _on_samples(network, self.statistics)
        prediction = predict_network(network, options, self.spec)
        if options.method != "mean-field" or options.batch_statistics != "through":
            return prediction
        from lrbound.unknown_data import unknown_data

        return replace(prediction, warnings=(*prediction.warnings, *unknown_data(network)))


def _on_samples(network: Network, found: Statistics) -> Network:
    """Return the network on samples with these statistics."""
    training = network.training
    if found.target_scale is not None:
        training = replace(training, target_scale=found.target_scale, target_mean_share=found.target_mean_share)
    return replace(network, input=found.law(network.input.shape), training=training)
