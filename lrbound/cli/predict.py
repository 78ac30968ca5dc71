"""``lrbound predict``: lambda_max and the learning rates of specs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from lrbound.cli._data import (
    ArrayOption,
    DataOption,
    MeanOption,
    StdOption,
    TargetsOption,
    on_samples,
    read_statistics,
)
from lrbound.cli._explore import one_line_errors
from lrbound.cli._files import FileOptions  # noqa: TC001 - typer reads the annotations
from lrbound.cli._notices import NoticeOptions  # noqa: TC001 - typer reads the annotations
from lrbound.cli._progress import progress_bar
from lrbound.cli._specs import expand
from lrbound.cli.core import findings, in_order, load_network_or_model, predict_network
from lrbound.cli.exit import ExitCode, Refusal, refuse
from lrbound.cli.options import (
    ArgOption,
    InputOption,
    JobsOption,
    SpecOptions,
    SpecsArgument,
    format_option,
    parse_jobs,
)
from lrbound.cli.output import report
from lrbound.report.base import MOST_LAYERS, Predicted

if TYPE_CHECKING:
    from lrbound.explore.statistics import Statistics
    from lrbound.prediction import Prediction

UNKNOWN_DATA = "LRB042"
MOST_DIGITS = 6
FormatOption = Annotated[str, format_option("prediction", "predictions")]
LayersOption = Annotated[
    str,
    typer.Option("--layers", metavar="N|all", help="How many layers the text shows: those with the largest shares."),
]


def command(
    specs: SpecsArgument,
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
    layers: LayersOption = str(MOST_LAYERS),
    jobs: JobsOption = None,
    output: FormatOption = "text",
    files: FileOptions,
) -> None:
    """Print the largest learning rate that training survives.

    With it come the one to start with, the curvature that it follows from, layer by layer, and what the numbers assume. Several
    specs or batch sizes give a table; of several specs the worst counts for the exit status.

    Example: lrbound predict net.yaml --batch-size 4,32,256,full
    """
    most = _most(layers)
    files.check()
    notices.say_defaults()
    found = expand(specs)
    sizes = (options.batch_size or "").split(",")
    if "-" in found and len(sizes) > 1:
        raise refuse("error: several batch sizes need the spec as a file: stdin can be read once")
    statistics = None
    if data is not None:
        with one_line_errors():
            statistics = read_statistics(data, array=array, targets=targets, mean=mean, std=std)
    work = partial(_predict, case=_Case(shape, arguments, statistics, options, notices.wants(UNKNOWN_DATA, output)))
    with progress_bar("predicting") as progress:
        each = in_order(work, found, parse_jobs(jobs), progress)
    if isinstance(each[0], Refusal) and len(found) == 1:
        raise each[0]
    predicted = [_without_ignored(one, spec, notices) for one, spec in zip(each, found, strict=True)]
    said = [
        notice.within(_where(one, size, many=len(predicted) > 1, sizes=len(sizes) > 1))
        for one in predicted
        for size, prediction in zip(sizes, one.predictions, strict=False)
        for notice in prediction.warnings
    ]
    notices.say(said, output)
    if len(predicted) == len(sizes) == 1:
        files.emit(report(output, most).prediction(predicted[0].predictions[0]))
    else:
        files.emit(report(output).predictions(predicted))
    for refusal in each:
        if isinstance(refusal, Refusal):
            typer.echo(refusal.message, err=True)
    broken = any(one.findings for one in predicted)
    raise typer.Exit(notices.status(said, ExitCode.BAD_INPUT if broken else ExitCode.OK))


def _most(layers: str) -> int | None:
    """Return how many layers are shown, None for all."""
    if layers == "all":
        return None
    if not (layers.isascii() and layers.isdigit() and len(layers) <= MOST_DIGITS):
        raise typer.BadParameter(f"must be a number or all, got {layers!r}", param_hint="'--layers'")
    return int(layers)


@dataclass(frozen=True)
class _Case:
    """How specs are predicted.

    ``statistics`` are those of a data file, if one is given; ``typical`` says whether anybody wants to know what typical samples
    would change, which takes as long as the rest.
    """

    shape: str | None
    arguments: list[str] | None
    statistics: Statistics | None
    options: SpecOptions
    typical: bool

    def predictions(self, spec: str) -> tuple[Prediction, ...]:
        """Return the prediction for each batch size."""
        sizes = (self.options.batch_size or "").split(",")
        if len(sizes) == 1:
            return (self._predict(spec, self.options),)
        return tuple(self._predict(spec, replace(self.options, batch_size=size.strip())) for size in sizes)

    def _predict(self, spec: str, options: SpecOptions) -> Prediction:
        network = load_network_or_model("predict", spec, options, self.shape, self.arguments)
        if self.statistics is not None:
            with one_line_errors():
                network = on_samples(network, self.statistics)
        prediction = predict_network(network, options, spec)
        if not self.typical or options.method != "mean-field" or options.batch_statistics != "through":
            return prediction
        from lrbound.unknown_data import unknown_data

        return replace(prediction, warnings=(*prediction.warnings, *unknown_data(network)))


def _predict(spec: str, case: _Case) -> Predicted | Refusal:
    try:
        return Predicted(spec, case.predictions(spec))
    except Refusal as refusal:
        return refusal


def _without_ignored(predicted: Predicted | Refusal, spec: str, notices: NoticeOptions) -> Predicted:
    """Return what became of a spec, without the notices that are ignored."""
    if isinstance(predicted, Refusal):
        return Predicted(spec, (), findings(predicted, spec))
    return replace(predicted, predictions=tuple(map(notices.without_ignored, predicted.predictions)))


def _where(predicted: Predicted, size: str, *, many: bool, sizes: bool) -> str:
    return ", ".join([*([predicted.spec] if many else []), *([f"batch size {size.strip()}"] if sizes else [])])
