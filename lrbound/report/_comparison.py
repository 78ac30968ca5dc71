"""The text of a comparison."""

from __future__ import annotations

from itertools import compress
from typing import TYPE_CHECKING

from lrbound.explore.compare import ratio
from lrbound.report import _words as words
from lrbound.report._prediction import paragraphs
from lrbound.report._table import table

if TYPE_CHECKING:
    from lrbound.explore.compare import Comparison, Contrast, Effect, Part
    from lrbound.prediction import Prediction
    from lrbound.report.base import Terminal

MOST_PARTS = 6
MOST_EFFECTS = 16
VISIBLE = 5e-4
"""Part of the whole change below which a layer is left out."""
LONGEST = 30
TITLES = ("name", "params", "lambda_max", "recommended", "max rate", "ratio")
SETTINGS = ("batch", "optimizer", "loss")


def side_by_side(result: Comparison, terminal: Terminal) -> str:
    """Return the table of all predictions; the last column is the rate in units of the first one's.

    How they are trained has its own columns where it is not the same for all.
    """
    given = [settings(prediction) for prediction in result.predictions]
    differ = [len(set(column)) > 1 for column in zip(*given, strict=True)]
    titles = ("name", *compress(SETTINGS, differ), *TITLES[1:])
    rows = []
    for prediction, own in zip(result.predictions, given, strict=True):
        name, *numbers = _cells(prediction, result.predictions[0])
        rows.append((name, *compress(own, differ), *numbers))
    same = ", ".join(
        f"{title} {value}" for title, value, varies in zip(SETTINGS, given[0], differ, strict=True) if not varies
    )
    note = paragraphs([f"All with {same}."] if same else [], terminal)
    return "\n".join([table(titles, rows, 1 + sum(differ), terminal), *note])


def settings(prediction: Prediction) -> tuple[str, ...]:
    """Return batch size, optimiser and loss for people."""
    a = prediction.assumptions
    batch = "full" if a.batch_size is None else words.count(a.batch_size)
    return batch, a.training.optimizer.short, a.loss


def _cells(prediction: Prediction, baseline: Prediction) -> tuple[str, ...]:
    return (
        prediction.name,
        words.short_count(prediction.assumptions.parameters),
        words.number(prediction.lambda_max),
        words.rate(prediction.recommended_learning_rate),
        words.rate(prediction.max_learning_rate),
        times(ratio(prediction.max_learning_rate, baseline.max_learning_rate)),
    )


def explanation(contrast: Contrast, baseline: str, terminal: Terminal) -> list[str]:
    """Return what makes the ratio of two rates: the differences of the specs, and where lambda_max changes."""
    head = [f"{contrast.name} against {baseline}"]
    if not contrast.effects:
        return [*head, "No difference that matters here."]
    shown = contrast.effects[:MOST_EFFECTS]
    rows = [_effect_cells(effect) for effect in shown]
    hidden = len(contrast.effects) - len(shown)
    return [
        *head,
        "",
        table(("where", "what", "before", "after", "rate"), rows, 4, terminal),
        *([f"({hidden} smaller differences hidden; --format json has all)"] if hidden else []),
        "",
        *paragraphs(
            [f"rate: the factor on {baseline}'s max learning rate if this alone is changed.", *_sum(contrast)], terminal
        ),
        *_where(contrast.parts, terminal),
    ]


def _effect_cells(effect: Effect) -> tuple[str, ...]:
    others = len(effect.paths) - 1
    where = words.readable(effect.paths[0]) + (f" and {others} more" if others else "")
    return where, effect.what, _cut(effect.before), _cut(effect.after), times(effect.rate_factor)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."


def _sum(contrast: Contrast) -> list[str]:
    if contrast.rate_ratio is None:
        return ["The ratio of the rates is not known: one of them is not."]
    rest = "" if contrast.rest is None else f" and {times(contrast.rest)} by optimizer, batches and what can explode"
    return [
        f"All together the rate is {times(contrast.rate_ratio)}: {times(contrast.curvature_ratio)} by lambda_max{rest}."
    ]


def _where(parts: tuple[Part, ...], terminal: Terminal) -> list[str]:
    if not parts:
        return []
    total = sum(part.change for part in parts)
    rows = [
        (
            words.readable(part.path),
            part.layer,
            words.number(part.baseline),
            words.number(part.own),
            f"{100.0 * part.change / total:.1f} %" if total else words.NONE,
        )
        for part in parts[:MOST_PARTS]
        if abs(part.change) >= VISIBLE * abs(total)
    ]
    titles = ("path", "layer", "lambda before", "after", "of the change")
    return ["", "Where lambda_max changes most:", "", table(titles, rows, 2, terminal)]


def times(factor: float | None) -> str:
    """Return a factor for people."""
    return words.NONE if factor is None else f"x {words.number(factor)}"
