"""One network with each normaliser in place of its own: the rates, how they depend on the batch size, and why."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, replace
from typing import TYPE_CHECKING

from lrbound.errors import Refused
from lrbound.explore.compare import ratio
from lrbound.explore.normaliser_names import NONE
from lrbound.explore.normalisers import has_normaliser, normaliser_class, with_normaliser
from lrbound.explore.notes import Notes
from lrbound.fields import params
from lrbound.layers.base import children

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from lrbound.explore.source import Predict
    from lrbound.layers.base import Layer, Node
    from lrbound.network import Network
    from lrbound.notices import Notice
    from lrbound.prediction import Prediction

BATCHES = (4, 32, 256)
"""Batch sizes in each row: small, usual, large."""
WITHOUT = "nothing removes what samples have in common: every layer counts; the batch size counts through noise alone"
NO_PLACE = "the spec has no normaliser: each one stands after every weight layer but the last"
PLACES = "each one stands where the spec has its own, and nothing else is changed; eps is the default of each"


@dataclass(frozen=True)
class AtBatch:
    """The largest stable rate at one batch size; None with the reason where there is none."""

    batch_size: int
    max_learning_rate: float | None
    reason: str | None


@dataclass(frozen=True)
class Row:
    """The network with one normaliser.

    Attributes
    ----------
    normalizer : str
        Its kind, or ``none``.
    settings : str
        Arguments that it needs and the spec does not give, such as ``groups 32``; else empty.
    why : str
        What stays coherent, and how it depends on the batch size.
    prediction : Prediction or None
        At the spec's batch size; None where the normaliser is undefined there.
    reason : str or None
        Why there is no prediction.
    ratio : float or None
        max_learning_rate divided by that of the network without normaliser.
    rates : tuple of AtBatch
        At each of ``BATCHES``; empty where the normaliser is undefined in this network at all.
    """

    normalizer: str
    settings: str
    why: str
    prediction: Prediction | None
    reason: str | None
    ratio: float | None
    rates: tuple[AtBatch, ...]


@dataclass(frozen=True)
class NormaliserTable:
    """Rows in the order that was asked for, the baseline without normaliser first, and what there is to say about all."""

    name: str
    rows: tuple[Row, ...]
    note: str
    warnings: tuple[Notice, ...]


def normaliser_table(
    network: Network, kinds: Sequence[str], predict: Predict, progress: Callable[[int, int], None]
) -> NormaliserTable:
    """Predict a network with each of some normalisers.

    Parameters
    ----------
    network : Network
    kinds : sequence of str
        Of :func:`~lrbound.explore.normalisers.split_names`; the first is ``none``.
    predict : callable
    progress : callable
        Told how many rows are done, and how many there are.
    """
    rows: list[Row] = []
    notes = Notes()
    for done, kind in enumerate(kinds):
        progress(done, len(kinds))
        row = _row(network, kind, predict)
        baseline = rows[0] if rows else row
        rows.append(replace(row, ratio=ratio(_rate(row), _rate(baseline))))
        if row.prediction is not None:
            notes.add(kind, row.prediction.warnings)
    note = PLACES if has_normaliser(network) else NO_PLACE
    return NormaliserTable(network.name, tuple(rows), note, notes.all())


def _rate(row: Row) -> float | None:
    return None if row.prediction is None else row.prediction.max_learning_rate


def _row(network: Network, kind: str, predict: Predict) -> Row:
    why = WITHOUT if kind == NONE else normaliser_class(kind).why
    try:
        other = replace(with_normaliser(network, kind), name=kind)
    except Refused as error:
        return Row(kind, "", why, None, str(error), None, ())
    prediction, reason = _ask(other, predict)
    rates = []
    for size in BATCHES:
        found, missing = prediction, reason
        if size != network.training.batch_size:
            found, missing = _ask(replace(other, training=replace(other.training, batch_size=size)), predict)
        rates.append(AtBatch(size, None if found is None else found.max_learning_rate, missing))
    return Row(kind, _settings(other, kind), why, prediction, reason, None, tuple(rates))


def _ask(network: Network, predict: Predict) -> tuple[Prediction | None, str | None]:
    """Return a prediction, or the reason for there being none; a rate that is missing has its reason, too."""
    try:
        found = predict(network)
    except Refused as error:
        return None, str(error)
    missing = found.max_learning_rate is None
    return found, next(
        (one.message for one in found.warnings if one.message.startswith("bounds.")), None
    ) if missing else None


def _settings(network: Network, kind: str) -> str:
    """Return the arguments without a default that the layers of a kind have: ``groups 15, 30``."""
    layers = [layer for layer in _layers(network.nodes) if layer.kind == kind]
    needed = [name for name, (_, default) in params(type(layers[0])).items() if default is MISSING] if layers else []
    values = (sorted({getattr(layer, name) for layer in layers}) for name in needed)
    return "; ".join(f"{name} {', '.join(map(str, found))}" for name, found in zip(needed, values, strict=True))


def _layers(nodes: Sequence[Node]) -> Iterator[Layer]:
    for node in nodes:
        yield node.layer
        yield from _layers(tuple(children(node.layer)))
