"""``lrbound boundary``: where training of real networks diverges, next to the prediction."""

from __future__ import annotations

from typing import Annotated

import typer

from lrbound.cli._extras import need
from lrbound.cli._files import FileOptions  # noqa: TC001 - typer reads the annotations
from lrbound.cli._notices import NoticeOptions  # noqa: TC001 - typer reads the annotations
from lrbound.cli.core import predict_network
from lrbound.cli.exit import refuse
from lrbound.cli.options import SpecArgument, SpecOptions, format_option

FormatOption = Annotated[str, format_option("boundary", "boundary_sweep")]
DataOption = Annotated[
    str | None,
    typer.Option(
        "--data",
        metavar="digits|teacher|FILE",
        help="scikit-learn's digits, a random teacher, or an .npz file with x and y; digits if they fit.",
    ),
]
SeedsOption = Annotated[int | None, typer.Option("--seeds", min=1, help="How many seeds; 2, or 1 with --sweep.")]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="The first seed; it also fixes the data.")]
StepsOption = Annotated[
    int | None, typer.Option("--steps", min=5, help="Steps of a run; 200 for a full batch, otherwise 400.")
]
SamplesOption = Annotated[int | None, typer.Option("--samples", min=2, help="How many samples; all, or 1024.")]
DeviceOption = Annotated[str, typer.Option("--device", help="Where to train: cpu, cuda, ...")]
JobsOption = Annotated[
    int | None, typer.Option("--jobs", min=1, help="Parallel processes; as many as processors, 1 on another device.")
]
BackendOption = Annotated[
    str | None, typer.Option("--backend", help="Backend of joblib that runs them; loky, or a cluster's.")
]
OutOption = Annotated[
    str | None,
    typer.Option("--out", metavar="DIR", help="Keep runs and results there; the same command again continues."),
]
SweepOption = Annotated[
    str | None,
    typer.Option(
        "--sweep",
        metavar="KNOB=LOW:HIGH:COUNT",
        help="The final loss over rates and a knob (gamma=0.25:5:12, or a list with commas) instead of the boundary.",
    ),
]
RatesOption = Annotated[
    str | None, typer.Option("--rates", metavar="LOW:HIGH:COUNT", help="Rates of --sweep; 20 around the predictions.")
]
PlotOption = Annotated[
    str | None, typer.Option("--plot", metavar="FILE", help="Draw the sweep as a heat map: .png, .svg or .pdf.")
]


def command(
    spec: SpecArgument,
    *,
    output: FormatOption = "text",
    data: DataOption = None,
    seeds: SeedsOption = None,
    seed: SeedOption = 0,
    steps: StepsOption = None,
    samples: SamplesOption = None,
    sweep: SweepOption = None,
    rates: RatesOption = None,
    plot: PlotOption = None,
    out: OutOption = None,
    files: FileOptions,
    device: DeviceOption = "cpu",
    jobs: JobsOption = None,
    backend: BackendOption = None,
    options: SpecOptions,
    notices: NoticeOptions,
) -> None:
    """Train real networks and find the rate at which they diverge.

    The prediction stands next to it.

    Example: lrbound boundary net.yaml --data digits --seeds 3 --out runs
    """
    need("boundary", "torch", "torch", "sklearn", "joblib")
    if plot is not None:
        need("boundary --plot", "plot", "matplotlib")
    if sweep is None and (plot is not None or rates is not None):
        raise refuse("error: --plot and --rates go with --sweep KNOB=LOW:HIGH:COUNT")
    from lrbound.cli._training import Loader, Study, bisect, draw_grid

    study = Study(
        load=Loader(spec, options),
        predict=lambda network, samples: predict_network(network, options, spec, samples),
        output=output,
        source=data,
        seed=seed,
        seeds=seeds or (2 if sweep is None else 1),
        steps=steps,
        samples=samples,
        out=out,
        files=files,
        device=device,
        jobs=jobs,
        backend=backend,
        notices=notices,
    )
    if sweep is None:
        bisect(study)
    else:
        draw_grid(study, sweep, rates, plot)
