"""What the verbs that ask for many predictions share."""

from __future__ import annotations

import contextlib
import math
from typing import TYPE_CHECKING, Annotated

import typer

from lrbound.cli._completion import complete_vary
from lrbound.cli._config import config
from lrbound.cli.exit import refuse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lrbound.cli.options import SpecOptions
    from lrbound.explore.source import Predict, Source

KnobOption = Annotated[
    str,
    typer.Option(
        "--vary",
        metavar="PATH",
        autocompletion=complete_vary,
        help="The knob: a path in the spec, or a name like gamma.",
    ),
]


@contextlib.contextmanager
def one_line_errors() -> Iterator[None]:
    """End the command with status 2 and what there is to say, where an input cannot be used."""
    from lrbound.errors import Refused
    from lrbound.spec import SpecError

    try:
        yield
    except SpecError as error:
        raise refuse(str(error)) from error
    except Refused as error:
        raise refuse(f"error: {error}") from error


def read_source(spec: str, options: SpecOptions) -> Source:
    """Read a spec, the standard input too, so that it can be parsed more than once."""
    from lrbound.explore.source import Source
    from lrbound.spec.parse import read

    return Source(*read(spec), overrides=tuple(options.overrides), defaults=config().defaults)


def parse_rate(text: str, option: str = "--lr") -> float:
    """Return the learning rate of an option."""
    try:
        rate = float(text)
    except ValueError:
        rate = math.nan
    if not (math.isfinite(rate) and rate > 0.0):
        raise typer.BadParameter(f"must be a positive number, got {text!r}", param_hint=f"'{option}'")
    return rate


def predictor(options: SpecOptions) -> Predict:
    """Return what predicts a network."""
    from functools import partial

    from lrbound.predictor import predict

    return partial(predict, method=options.method, batch_statistics=options.batch_statistics)
