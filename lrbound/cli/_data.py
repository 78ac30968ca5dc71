"""Options of the verbs that read data, and the statistics that they ask for."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from lrbound.data._open import Normalisation
    from lrbound.explore.statistics import Statistics
    from lrbound.network import Network

DataOption = Annotated[
    str | None,
    typer.Option("--data", metavar="FILE", help="Predict for samples with the statistics of these (see stats)."),
]
ArrayOption = Annotated[
    str | None, typer.Option("--array", metavar="NAME", help="Which array of an .npz file; x, or the only one.")
]
TargetsOption = Annotated[
    str | None,
    typer.Option(
        "--targets", metavar="COLUMN|FILE", help="The column (by name or number) or array with the targets, or a file."
    ),
]
MeanOption = Annotated[
    str | None,
    typer.Option("--mean", metavar="M,M,M", help="Subtracted from each channel of images, as torchvision's Normalize."),
]
StdOption = Annotated[str | None, typer.Option("--std", metavar="S,S,S", help="What each channel is divided by.")]


def read_statistics(
    path: str, *, array: str | None, targets: str | None, mean: str | None, std: str | None
) -> Statistics:
    """Return the statistics of a file.

    Raises
    ------
    Refused
        With a sentence that begins with the path.
    """
    from lrbound.data._open import open_data
    from lrbound.data.base import Wanted
    from lrbound.errors import Refused
    from lrbound.explore.statistics import statistics

    beside = targets is not None and os.path.exists(targets)
    column = None if beside else targets
    samples = open_data(path, Wanted(array, column), _normalisation(mean, std))
    others = open_data(targets) if beside and targets is not None else None
    try:
        return statistics(samples, targets=others)
    except Refused as error:
        text = str(error)
        known = (path, *([targets] if targets else []))
        raise Refused(text if text.startswith(known) else f"{path}: {text}") from None


def on_samples(network: Network, found: Statistics) -> Network:
    """Return the network on samples with these statistics."""
    training = network.training
    if found.target_scale is not None:
        training = replace(training, target_scale=found.target_scale, target_mean_share=found.target_mean_share)
    return replace(network, input=found.law(network.input.shape), training=training)


def _normalisation(mean: str | None, std: str | None) -> Normalisation | None:
    from lrbound.data._open import Normalisation

    if mean is None and std is None:
        return None
    return Normalisation(_numbers(mean or "0", "--mean"), _numbers(std or "1", "--std"))


def _numbers(text: str, option: str) -> tuple[float, ...]:
    try:
        found = tuple(float(part) for part in text.split(","))
    except ValueError:
        found = ()
    if not found or not all(abs(number) < 1e12 for number in found) or (option == "--std" and min(found) <= 0.0):
        positive = "positive numbers" if option == "--std" else "numbers"
        raise typer.BadParameter(f"must be {positive} with commas between them, got {text!r}", param_hint=f"'{option}'")
    return found
