"""``lrbound measure``: lambda_max of real initialisations next to the prediction."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from lrbound.cli._extras import need
from lrbound.cli._files import FileOptions  # noqa: TC001 - typer reads the annotations
from lrbound.cli._model import is_object
from lrbound.cli._notices import NoticeOptions  # noqa: TC001 - typer reads the annotations
from lrbound.cli._progress import progress_bar
from lrbound.cli.core import load_network_or_model, predict_network
from lrbound.cli.exit import ExitCode, refuse
from lrbound.cli.options import ArgOption, InputOption, SpecOptions, SpecOrModelArgument, format_option
from lrbound.cli.output import report
from lrbound.empirical.measurement import Measurement, Sample
from lrbound.errors import Refused
from lrbound.notices import Notice

if TYPE_CHECKING:
    from lrbound.empirical.measure import Device, Dtype, Setting
    from lrbound.network import Network
    from lrbound.prediction import Prediction
    from lrbound.predictor import BatchStatistics

FormatOption = Annotated[str, format_option("measurement")]
SeedsOption = Annotated[int, typer.Option("--seeds", min=1, metavar="N", help="How many initialisations to measure.")]
SeedOption = Annotated[int, typer.Option("--seed", min=0, metavar="N", help="Fixes weights, inputs and masks.")]
DataOption = Annotated[
    str | None,
    typer.Option(
        "--data", metavar="FILE", help="Samples, .npy or .npz; without it white inputs with the spec's statistics."
    ),
]
SamplesOption = Annotated[
    int | None,
    typer.Option("--samples", min=1, metavar="N", help="Samples in the measured batch, if not the spec's batch size."),
]
DtypeOption = Annotated[Literal["float32", "float64"], typer.Option("--dtype", help="What the network computes in.")]
DeviceOption = Annotated[Literal["cpu", "cuda"], typer.Option("--device", help="Where it computes.")]
PerLayerOption = Annotated[bool, typer.Option("--per-layer", help="Show each layer's part, predicted and measured.")]


def command(
    spec: SpecOrModelArgument,
    *,
    seeds: SeedsOption = 4,
    seed: SeedOption = 0,
    data: DataOption = None,
    samples: SamplesOption = None,
    dtype: DtypeOption = "float32",
    device: DeviceOption = "cpu",
    per_layer: PerLayerOption = False,
    shape: InputOption = None,
    arguments: ArgOption = None,
    output: FormatOption = "text",
    options: SpecOptions,
    notices: NoticeOptions,
    files: FileOptions,
) -> None:
    """Measure lambda_max of real networks, next to the prediction.

    Ctrl-C keeps what is done. Of MODULE:OBJECT it is that of the module itself, whose code runs, next to the prediction for the
    spec that it is read as.

    Example: lrbound measure net.yaml --seeds 8 --per-layer
    """
    need("measure", "torch", "torch")
    files.check()
    network = load_network_or_model("measure", spec, options, shape, arguments)
    try:
        setting, notes = _setting(network, data, samples, options.batch_statistics, dtype, device)
        if is_object(spec):
            if per_layer:
                raise refuse("error: --per-layer needs a spec, whose layers have the paths of the prediction")
            setting, notes = _of_model(setting, notes, spec, arguments)
        prediction = predict_network(network, options, spec, setting.size(network))
        done = _measured(network, setting, seeds, seed)
    except Refused as error:
        raise refuse(f"error: {error}") from error
    if not done:
        typer.echo("interrupted before the first initialisation was done", err=True)
        raise typer.Exit(ExitCode.INTERRUPTED)
    noted = notices.without_ignored(_noted(prediction, notes, done, seeds))
    result = Measurement(noted, tuple(done), setting.size(network), per_layer)
    notices.say(result.prediction.warnings, output)
    files.emit(report(output).measurement(result))
    otherwise = ExitCode.OK if len(done) == seeds else ExitCode.INTERRUPTED
    raise typer.Exit(notices.status(result.prediction.warnings, otherwise))


def _setting(
    network: Network,
    data: str | None,
    samples: int | None,
    batch_statistics: BatchStatistics,
    dtype: Dtype,
    device: Device,
) -> tuple[Setting, list[Notice]]:
    """Return how to measure, and what is worth saying about it."""
    from lrbound.empirical.batches import DataBatches
    from lrbound.empirical.data_file import differences, read_samples
    from lrbound.empirical.measure import Setting

    notes: list[Notice] = []
    batches = None
    if data is not None:
        array = read_samples(data, network.input.shape)
        notes, batches = differences(array, network.input), DataBatches(array)
    setting = Setting(samples, batch_statistics, dtype, device, batches)
    size, stated = setting.size(network), network.training.batch_size
    if stated is None:
        notes.append(Notice("LRB070", f"the full batch is taken as {size} samples"))
    elif size != stated:
        notes.append(Notice("LRB071", f"measured on {size} samples; the prediction is for a batch of {stated}"))
    return setting, notes


def _of_model(
    setting: Setting, notes: list[Notice], spec: str, arguments: list[str] | None
) -> tuple[Setting, list[Notice]]:
    """Return how to measure the module that ``spec`` names, and what is worth saying about it."""
    from lrbound.cli._model import read_arguments
    from lrbound.importing.target import load_maker

    make, drawn = load_maker(spec, read_arguments(arguments))
    one = Notice("LRB072", "the module is one initialisation: what is measured differs in the samples alone")
    return replace(setting, model=make), notes if drawn else [*notes, one]


def _measured(network: Network, setting: Setting, seeds: int, seed: int) -> list[Sample]:
    """Return as many initialisations as there was patience for."""
    from lrbound.empirical.measure import measure

    done: list[Sample] = []
    with contextlib.suppress(KeyboardInterrupt), progress_bar(f"measuring {network.name}") as progress:
        progress(0, seeds)
        for sample in measure(network, seeds=seeds, seed=seed, setting=setting):
            done.append(sample)
            progress(len(done), seeds)
    return done


def _noted(prediction: Prediction, notes: list[Notice], done: list[Sample], seeds: int) -> Prediction:
    """Return the prediction with what there is to say about the measurement among its warnings."""
    said = list(notes)
    if len(done) < seeds:
        said.append(Notice("LRB073", f"interrupted after {len(done)} of {seeds} initialisations"))
    if len(done) == 1:
        said.append(Notice("LRB074", "measured.std is null: one initialisation has no spread"))
    if prediction.lambda_max_interval is None:
        said.append(Notice("LRB075", "measured.inside_interval is null: there is no predicted interval"))
    return replace(prediction, warnings=(*prediction.warnings, *said))
