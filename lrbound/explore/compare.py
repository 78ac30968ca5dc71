"""Specs side by side: their rates, what is different, and which difference makes which part of the ratio."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from lrbound.errors import Refused
from lrbound.explore.answer import ask
from lrbound.explore.differences import Difference, differences, merge
from lrbound.meanfield.contract import ShapeError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrbound.explore.source import Predict
    from lrbound.network import Network
    from lrbound.prediction import LayerReport, Prediction

MOST_EFFECTS = 32
"""Differences whose effect is computed; each costs a prediction."""


@dataclass(frozen=True)
class Effect:
    """What one difference does on its own to the rate of the baseline.

    Attributes
    ----------
    paths : tuple of str
        The places where it is.
    what, before, after : str
        See :class:`~lrbound.explore.differences.Difference`.
    rate_factor : float or None
        max_learning_rate with this change alone, divided by the baseline's; None where that network cannot be
        predicted.
    """

    paths: tuple[str, ...]
    what: str
    before: str
    after: str
    rate_factor: float | None


@dataclass(frozen=True)
class Part:
    """A layer's part of lambda_max in both networks; None where a network has no such layer."""

    path: str
    layer: str
    baseline: float | None
    own: float | None

    @property
    def change(self) -> float:
        """How much of the difference between the two lambda_max arises here."""
        return (self.own or 0.0) - (self.baseline or 0.0)


@dataclass(frozen=True)
class Contrast:
    """One network held against the baseline.

    Attributes
    ----------
    name : str
    rate_ratio : float or None
        Its max_learning_rate divided by the baseline's: ``curvature_ratio * rest``.
    curvature_ratio : float
        lambda_max of the baseline divided by its own.
    rest : float or None
        What optimiser, batches and the layers that can explode add to that.
    effects : tuple of Effect
        The differences, each alone; the largest effect first.
    parts : tuple of Part
        Layers whose parts of lambda_max differ; the largest change first.
    """

    name: str
    rate_ratio: float | None
    curvature_ratio: float
    rest: float | None
    effects: tuple[Effect, ...]
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Comparison:
    """Predictions side by side; the first is the baseline of the contrasts."""

    predictions: tuple[Prediction, ...]
    contrasts: tuple[Contrast, ...]


def compare(networks: Sequence[Network], predict: Predict) -> Comparison:
    """Predict all networks and explain how each differs from the first.

    Raises
    ------
    Refused
        Where the theory has no answer for one of them.
    """
    predictions = []
    for network in networks:
        try:
            predictions.append(predict(network))
        except Refused as error:
            raise Refused(f"{network.name}: {error}") from error
    contrasts = tuple(
        _contrast((networks[0], predictions[0]), (network, prediction), predict)
        for network, prediction in zip(networks[1:], predictions[1:], strict=True)
    )
    return Comparison(tuple(predictions), contrasts)


def _contrast(baseline: tuple[Network, Prediction], own: tuple[Network, Prediction], predict: Predict) -> Contrast:
    before, after = baseline[1], own[1]
    rate = ratio(after.max_learning_rate, before.max_learning_rate)
    curvature = before.lambda_max / after.lambda_max
    rest = None if rate is None else rate / curvature
    effects = _effects(baseline, own[0], predict)
    return Contrast(after.name, rate, curvature, rest, effects, _parts(before.layers, after.layers))


def ratio(value: float | None, reference: float | None) -> float | None:
    """Return the quotient, None where it has none."""
    return value / reference if value is not None and reference else None


def _effects(baseline: tuple[Network, Prediction], other: Network, predict: Predict) -> tuple[Effect, ...]:
    groups: dict[tuple[str, str, str], list[Difference]] = {}
    for difference in differences(baseline[0], other):
        groups.setdefault(difference.change, []).append(difference)
    effects = []
    for index, (change, members) in enumerate(groups.items()):
        factor = _alone(baseline, other, change, predict) if index < MOST_EFFECTS else None
        effects.append(Effect(tuple(member.path for member in members), *change, factor))
    return tuple(sorted(effects, key=lambda effect: _size(effect.rate_factor)))


def _size(factor: float | None) -> float:
    """Return a key that sorts large changes, up or down, first, and unknown ones last."""
    return 2.0 if factor is None or factor <= 0.0 else min(factor, 1.0 / factor)


def _alone(
    baseline: tuple[Network, Prediction], other: Network, change: tuple[str, str, str], predict: Predict
) -> float | None:
    """Return the factor on the rate of one change at all its places."""
    network, prediction = baseline
    try:
        mixed = merge(network, other, lambda difference: difference.change == change)
    except ShapeError:
        return None
    if len(mixed.output_shape) != 1:
        return None
    return ratio(ask(predict, mixed)[0].max_learning_rate, prediction.max_learning_rate)


def _parts(before: tuple[LayerReport, ...], after: tuple[LayerReport, ...]) -> tuple[Part, ...]:
    """Pair the layers of one kind in the same order; the others stand alone."""
    kinds, theirs = ([row.layer for row in rows] for rows in (before, after))
    parts: list[Part] = []
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, kinds, theirs, autojunk=False).get_opcodes():
        if tag == "equal":
            rows = zip(before[i1:i2], after[j1:j2], strict=True)
            parts += [Part(b.path, b.layer, a.lambda_, b.lambda_) for a, b in rows]
        else:
            parts += [Part(a.path, a.layer, a.lambda_, None) for a in before[i1:i2]]
            parts += [Part(b.path, b.layer, None, b.lambda_) for b in after[j1:j2]]
    return tuple(sorted((part for part in parts if part.change), key=lambda part: -abs(part.change)))
