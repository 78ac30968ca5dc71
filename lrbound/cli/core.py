"""What the verbs ask of the library, with its errors turned into refusals that know their places."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TypeVar

from lrbound.cli._config import config
from lrbound.cli.exit import Refusal, refuse
from lrbound.notices import Notice, short
from lrbound.report.base import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lrbound.cli.options import Override, SpecOptions
    from lrbound.network import Network
    from lrbound.prediction import Prediction
    from lrbound.spec import SpecError

T = TypeVar("T")


def load_network(spec: str, options: SpecOptions, *more: Override) -> Network:
    """Read a spec, with further changes; a bad one ends the command with every error that it has."""
    from lrbound.spec import SpecError, load

    defaults, overrides = config().defaults, [*options.overrides, *more]
    try:
        return load(spec, overrides=overrides, defaults=defaults)
    except SpecError as error:
        raise _unreadable(error, spec) from error
    except OSError as error:
        raise refuse(f"{spec}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise refuse(f"{spec}: not a text file in UTF-8") from error


def _unreadable(error: SpecError, spec: str) -> Refusal:
    found = tuple(
        Finding(Notice("LRB110", short(one.message)), spec, one.line, one.column) for one in error.diagnostics
    )
    return refuse("\n".join((str(error), *_template(spec))), found)


def _template(spec: str) -> list[str]:
    """Return what to do where a template is named instead of a file."""
    if os.path.lexists(spec):
        return []
    from lrbound.templates import names

    return [f"there is a template of this name: lrbound new {spec} -o {spec}.yaml"] if spec in names() else []


def load_network_or_model(
    verb: str, spec: str, options: SpecOptions, shape: str | None, arguments: list[str] | None
) -> Network:
    """Read a spec, or where ``spec`` is MODULE:OBJECT the model that it names; its code runs in that case alone."""
    from lrbound.cli._model import is_model, read_model

    if not is_model(spec):
        if spec.endswith(".py"):
            raise refuse(f"error: {spec} is Python code; name the model in it, or what makes one: {spec}:OBJECT")
        if shape is not None or arguments:
            raise refuse(
                f"error: --input and --arg belong to a model, MODULE:OBJECT; {spec} is a spec, which says it all"
            )
        return load_network(spec, options)
    translation = read_model(verb, spec, shape, arguments)
    from lrbound.spec import SpecError, parse

    try:
        return parse(translation.text, source=spec, overrides=options.overrides, defaults=config().defaults)
    except SpecError as error:
        raise _unreadable(error, spec) from error


def predict_network(network: Network, options: SpecOptions, spec: str, full_batch: int | None = None) -> Prediction:
    """Predict; a network that the method cannot do ends the command with the reason."""
    from lrbound.errors import Refused
    from lrbound.predictor import predict

    try:
        return predict(network, method=options.method, batch_statistics=options.batch_statistics, full_batch=full_batch)
    except Refused as error:
        from lrbound.cli._model import is_model

        # the places of a model are those of a spec that nobody sees
        place = (0, 0) if is_model(spec) else (error.line, error.column)
        text = f"error: {error}" if is_model(spec) else error.told("<stdin>" if spec == "-" else spec)
        raise refuse(text, (Finding(Notice("LRB111", short(str(error))), spec, *place),)) from error


def findings(refusal: Refusal, spec: str) -> tuple[Finding, ...]:
    """Return what is wrong with a spec, one by one."""
    if refusal.findings:
        return refusal.findings
    text = refusal.message.removeprefix("error: ").removeprefix(f"{spec}: ")
    return (Finding(Notice("LRB114", short(text)), spec),)


def in_order(
    work: Callable[[str], T], specs: Sequence[str], jobs: int, progress: Callable[[int, int], None]
) -> list[T]:
    """Return what ``work`` makes of each spec, in their order, by so many processes."""
    done = []
    if jobs == 1 or len(specs) == 1:
        for spec in specs:
            done.append(work(spec))
            progress(len(done), len(specs))
        return done
    import signal
    from concurrent.futures import ProcessPoolExecutor

    # an interrupt is for this process alone, which ends the others
    with ProcessPoolExecutor(
        min(jobs, len(specs)), initializer=signal.signal, initargs=(signal.SIGINT, signal.SIG_IGN)
    ) as pool:
        try:
            for one in pool.map(work, specs):
                done.append(one)
                progress(len(done), len(specs))
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return done
