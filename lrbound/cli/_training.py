"""The work behind the options of ``lrbound boundary``."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import typer

from lrbound.cli._files import make_folder, write_text
from lrbound.cli._progress import progress_bar
from lrbound.cli.core import load_network
from lrbound.cli.exit import ExitCode, refuse
from lrbound.cli.output import report
from lrbound.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from lrbound.cli._files import FileOptions
    from lrbound.cli._notices import NoticeOptions
    from lrbound.cli.options import Override, SpecOptions
    from lrbound.empirical.grid import Setting
    from lrbound.empirical.runner import Progress, Runner
    from lrbound.network import Network
    from lrbound.prediction import Prediction

SWEEP_FOLDER = "lrbound-boundary"
"""Where a sweep keeps its runs if no folder is named: it takes long enough to be stopped."""
RUNS = "runs.jsonl"
PICTURES = (".png", ".svg", ".pdf")


@dataclass(frozen=True)
class Loader:
    """Reads the spec as often as it is needed, the standard input once."""

    spec: str
    options: SpecOptions

    def __call__(self, *more: Override) -> Network:
        """Return the network with further changes."""
        return load_network(self.spec, self.options, *more)


@dataclass(frozen=True)
class Study:
    """The options, under their own names."""

    load: Loader
    predict: Callable[[Network, int | None], Prediction]
    output: str
    source: str | None
    seed: int
    seeds: int
    steps: int | None
    samples: int | None
    out: str | None
    files: FileOptions
    device: str
    jobs: int | None
    backend: str | None
    notices: NoticeOptions

    @property
    def seed_list(self) -> range:
        """The seeds of the runs."""
        return range(self.seed, self.seed + self.seeds)

    def runner(self, network: Network, folder: str | None) -> Runner:
        """Return what trains, with the data of a network."""
        from lrbound.empirical.datasets import load_data
        from lrbound.empirical.runner import Runner, check_device
        from lrbound.empirical.store import NotRunsError, RunStore

        jobs = self.jobs or (os.cpu_count() or 1 if self.device == "cpu" else 1)
        try:
            check_device(self.device)
            data = load_data(network, self.source, samples=self.samples, seed=self.seed)
            if folder is not None:
                make_folder(folder)
            store = RunStore(None if folder is None else os.path.join(folder, RUNS))
        except (Refused, NotRunsError) as error:
            raise refuse(f"error: {error}") from error
        return Runner(data, store, device=self.device, jobs=jobs)

    @contextlib.contextmanager
    def running(self, title: str, runner: Runner) -> Iterator[Progress]:
        """Run the block with a progress bar and joblib's backend; Ctrl-C says what is kept and ends the command."""
        try:
            with _backend(self.backend), progress_bar(title) as progress:
                yield progress
        except KeyboardInterrupt:
            typer.echo(f"\ninterrupted: {_kept(runner)}", err=True)
            raise typer.Exit(ExitCode.INTERRUPTED) from None
        except Refused as error:
            raise refuse(f"error: {error}") from error


def bisect(study: Study) -> None:
    """Find the boundary and report it."""
    from lrbound.empirical.boundary import find_boundary

    result_file = None if study.out is None else os.path.join(study.out, "boundary.json")
    study.files.check(*([] if result_file is None else [result_file]))
    network = study.load()
    runner = study.runner(network, study.out)
    prediction = study.predict(network, len(runner.data))
    with study.running(network.name, runner) as progress:
        result = find_boundary(network, prediction, runner, seeds=study.seed_list, steps=study.steps, progress=progress)
    if result_file is not None:
        write_text(result_file, report("json").boundary(result) + "\n")
    notices = study.notices
    result = replace(notices.without_ignored(result), prediction=notices.without_ignored(prediction))
    said = (*result.prediction.warnings, *result.warnings)
    notices.say(said, study.output)
    study.files.emit(report(study.output).boundary(result))
    raise typer.Exit(notices.status(said))


def draw_grid(study: Study, sweep: str, rates: str | None, plot: str | None) -> None:
    """Train over the rates and a knob; write the grid and the picture."""
    from lrbound.empirical.grid import default_rates, run_grid
    from lrbound.empirical.grid_csv import to_csv
    from lrbound.empirical.knobs import knob_path, parse_rates, parse_sweep
    from lrbound.empirical.training import default_steps

    folder = study.out or SWEEP_FOLDER
    written = [os.path.join(folder, "grid.csv"), os.path.join(folder, "grid.json"), *([plot] if plot else [])]
    if plot is not None and not plot.lower().endswith(PICTURES):
        raise refuse(f"error: --plot draws {', '.join(PICTURES)} files, got {plot}")
    try:
        knob, values = parse_sweep(sweep)
        path = knob_path(knob)
        chosen = None if rates is None else parse_rates(rates)
        study.files.check(*written)
        settings = _settings(study, path, values)
        chosen = chosen or default_rates(settings)
    except ValueError as error:
        raise refuse(f"error: {error}") from error
    runner = study.runner(settings[0].network, folder)
    steps = study.steps or max(default_steps(setting.network) for setting in settings)
    with study.running(f"{len(chosen)} rates x {len(values)} values", runner) as progress:
        grid = run_grid(
            settings, chosen, runner, knob=knob, path=path, seeds=study.seed_list, steps=steps, progress=progress
        )
    write_text(written[0], to_csv(grid))
    write_text(written[1], report("json").boundary_sweep(grid) + "\n")
    if plot is not None:
        from lrbound.empirical.heatmap import save_heatmap

        make_folder(os.path.dirname(plot))
        save_heatmap(grid, plot)
    typer.echo(f"wrote {', '.join(written)}", err=True)
    study.files.emit(report(study.output).boundary_sweep(grid))


def _settings(study: Study, path: str, values: tuple[float, ...]) -> list[Setting]:
    """Return the network of every value; the data must fit all of them."""
    from lrbound.empirical.grid import Setting

    if path.startswith("input."):
        raise Refused(f"{path} is a property of the data, which stay the same along a sweep")
    settings = []
    for value in values:
        network = study.load((path, repr(int(value)) if value.is_integer() else repr(value)))
        settings.append(Setting(value, network, study.predict(network, study.samples)))
    if len({(s.network.input.shape, s.network.outputs) for s in settings}) > 1:
        raise Refused(f"{path} changes the shape of the input or the output, which the data fix")
    return settings


def _backend(name: str | None) -> AbstractContextManager[object]:
    if name is None:
        return contextlib.nullcontext()
    import joblib

    try:
        context: AbstractContextManager[object] = joblib.parallel_config(backend=name)
    except (ValueError, ImportError) as error:
        raise refuse(f"error: --backend {name}: {error}") from error
    return context


def _kept(runner: Runner) -> str:
    store = runner.store
    if store.path is None:
        return "nothing is kept; with --out DIR finished runs are, and the same command again continues"
    return f"{len(store)} finished runs are kept in {store.path}; the same command again continues"
