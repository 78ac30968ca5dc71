"""A network's answer together with how it moves with the knobs that people turn first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from lrbound.errors import Refused
from lrbound.explore.answer import Answer, ask
from lrbound.explore.knobs import find_knob, weight_layers
from lrbound.spec import SpecError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrbound.explore.source import Override, Predict, Source
    from lrbound.explore.sweep import Progress
    from lrbound.network import Network
    from lrbound.prediction import Prediction

GAMMAS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
BATCHES = (8, 16, 32, 64, 128, 256, 512, 1024)
MOMENTA = (0.0, 0.5, 0.8, 0.9, 0.95, 0.99)
WIDTHS = (0.25, 0.5, 1.0, 2.0, 4.0)


class Curve(NamedTuple):
    """Answers along one knob.

    Attributes
    ----------
    knob : str
        What is turned, in words.
    values : tuple of float
        In rising order.
    answers : tuple of Answer
        Without numbers where the network cannot have the value.
    here : float or None
        The value that the spec has; None where it has several, or another one.
    logarithmic : bool
        Whether the values are at equal ratios, more or less.
    """

    knob: str
    values: tuple[float, ...]
    answers: tuple[Answer, ...]
    here: float | None
    logarithmic: bool = True


@dataclass(frozen=True)
class Portrait:
    """One spec, predicted as it stands and along its knobs.

    Attributes
    ----------
    spec : str
        Where it was read.
    prediction : Prediction
    learning_rate : float or None
        The rate that the spec says.
    curves : tuple of Curve
        Along gamma, the batch size, momentum and width, as far as the network has them.
    """

    spec: str
    prediction: Prediction
    learning_rate: float | None
    curves: tuple[Curve, ...]


def portrait(source: Source, predict: Predict, progress: Progress) -> Portrait:
    """Predict a spec and the networks beside it.

    Parameters
    ----------
    source : Source
    predict : callable
        From a network to its prediction.
    progress : callable
        Called with the number of predictions that are done and their number in all.

    Raises
    ------
    Refused
        Where the theory has no answer for the spec as it stands.
    """
    network = source.network()
    prediction = predict(network)
    knobs = _knobs(source, network)
    expected, done = sum(len(changes) for _, _, changes, _, _ in knobs), 0
    curves = []
    for name, values, changes, here, logarithmic in knobs:
        answers = []
        for change in changes:
            answers.append(_answer(source, change, predict))
            done += 1
            progress(done, expected)
        if sum(answer.recommended_learning_rate is not None for answer in answers) > 1:
            curves.append(Curve(name, values, tuple(answers), here, logarithmic))
    rate = getattr(network.training.optimizer, "learning_rate", None)
    return Portrait(source.source, prediction, rate, tuple(curves))


class _Turned(NamedTuple):
    name: str
    values: tuple[float, ...]
    changes: list[tuple[Override, ...]]
    here: float | None
    logarithmic: bool


def _knobs(source: Source, network: Network) -> list[_Turned]:
    """Return the knobs that the spec has, with the changes to it at each value."""
    training = network.training
    asked: Sequence[tuple[str, str, tuple[float, ...], float | None, bool]] = (
        ("gamma of all normalisers", "gamma", GAMMAS, _common_gamma(network), True),
        ("batch size", "batch_size", BATCHES, training.batch_size, True),
        ("momentum", "momentum", MOMENTA, getattr(training.optimizer, "momentum", None), False),
    )
    found = []
    for name, knob, usual, here, logarithmic in asked:
        values = tuple(sorted({*usual, *([] if here is None else [here])}))
        changes = [find_knob(knob, source).at(value) for value in values]
        if any(_can_be(source, change) for change in (changes[0], changes[-1])):
            found.append(_Turned(name, values, changes, here, logarithmic))
    widths = [_wider(network, factor) for factor in WIDTHS]
    if widths[0]:
        found.append(_Turned("width, times that of the spec", WIDTHS, widths, 1.0, True))
    return found


def _can_be(source: Source, change: tuple[Override, ...]) -> bool:
    try:
        source.network(*change)
    except SpecError:
        return False
    return True


def _answer(source: Source, change: tuple[Override, ...], predict: Predict) -> Answer:
    try:
        return ask(predict, source.network(*change))[0]
    except (SpecError, Refused):
        return Answer(None, None, None)


def _common_gamma(network: Network) -> float | None:
    gammas = {node.layer.gamma for node, _ in network.unrolled() if hasattr(node.layer, "gamma")}
    return float(gammas.pop()) if len(gammas) == 1 else None


def _wider(network: Network, factor: float) -> tuple[Override, ...]:
    """Return the changes that multiply the width of all weight layers but the last, groups of single channels included."""
    changes = []
    for node in list(weight_layers(network.nodes))[:-1]:
        layer, path = node.layer, f"{node.path}.{node.layer.kind}"
        width: int = getattr(layer, layer.main or "")
        wider = str(max(round(factor * width), 1))
        changes.append((f"{path}.{layer.main}", wider))
        if getattr(layer, "groups", 1) == width > 1:
            changes.append((f"{path}.groups", wider))
    return tuple(changes)
