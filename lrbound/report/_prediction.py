"""The text of a prediction: what to do, the numbers, where they come from, and what they assume."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING

from lrbound.report import _words as words
from lrbound.report._table import table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lrbound.prediction import LayerReport, Prediction
    from lrbound.report.base import Terminal

TITLES = ("path", "layer", "params", "q", "q_xy", "lambda", "share")
INDENT = 27
"""Columns of what the numbers are called."""


def lines(prediction: Prediction, terminal: Terminal, most: int | None) -> Iterator[str]:
    """Yield the lines; of the layers the ``most`` with the largest shares, or all."""
    if prediction.advice:
        yield from paragraphs([prediction.advice], terminal)
        yield ""
    yield f"{prediction.name} ({prediction.method})"
    yield ""
    for name, value, meaning in _answer(prediction):
        text = f"{name:{INDENT}}{value}" + (f" ({meaning})" if meaning else "")
        yield from textwrap.wrap(text, max(terminal.width, INDENT + 20), subsequent_indent=" " * INDENT)
    yield ""
    shown = _largest(prediction.layers, most)
    yield table(TITLES, [_cells(layer, prediction.lambda_max) for layer in shown], 2, terminal)
    yield from _hidden(prediction, shown)
    yield ""
    reasons = [f"What lambda_max comes from: {words.readable(prediction.hint)}."] if prediction.hint else []
    yield from paragraphs([*reasons, *words.confidence(prediction), *words.assumptions(prediction)], terminal)


def paragraphs(sentences: Sequence[str], terminal: Terminal) -> list[str]:
    """Return sentences as lines that fit the terminal."""
    width = max(terminal.width, 20)
    return [line for sentence in sentences for line in textwrap.wrap(sentence, width, break_on_hyphens=False)]


def _answer(prediction: Prediction) -> Iterator[tuple[str, str, str]]:
    """Yield what each number is called, the number, and what it means."""
    interval, bounds = prediction.lambda_max_interval, prediction.bounds
    spread = "" if interval is None else f"90 % of initialisations: {' to '.join(map(words.number, interval))}"
    yield "lambda_max", words.number(prediction.lambda_max), spread
    if prediction.first_step_learning_rate is not None:
        yield "max learning rate", words.NONE, f"not known for {prediction.assumptions.optimizer}"
        yield "recommended learning rate", words.rate(prediction.recommended_learning_rate), ""
        yield "first-step learning rate", words.rate(prediction.first_step_learning_rate), words.FIRST_STEP
        return
    largest = "" if prediction.max_learning_rate is None else words.bound_words(prediction)
    yield "max learning rate", words.rate(prediction.max_learning_rate), largest
    yield "recommended learning rate", words.rate(prediction.recommended_learning_rate), ""
    yield "bound, curvature", words.rate(bounds.curvature), words.CURVATURE
    yield "bound, minibatch", words.rate(bounds.minibatch), words.MINIBATCH
    yield "critical batch size", words.batch(prediction.critical_batch_size), words.CRITICAL_BATCH


def _largest(layers: Sequence[LayerReport], most: int | None) -> list[LayerReport]:
    """Return the layers with the largest parts of lambda_max, the largest first; all in network order without a number."""
    if most is None:
        return list(layers)
    return sorted((layer for layer in layers if layer.lambda_ > 0.0), key=lambda layer: -layer.lambda_)[:most]


def _cells(layer: LayerReport, total: float) -> tuple[str, ...]:
    return (
        words.readable(layer.path),
        layer.layer,
        words.short_count(layer.parameters),
        words.number(layer.q),
        words.number(layer.q_xy, scale=abs(layer.q)),
        words.number(layer.lambda_, scale=total),
        words.share(layer.lambda_, total),
    )


def _hidden(prediction: Prediction, shown: Sequence[LayerReport]) -> Iterator[str]:
    rest = len(prediction.layers) - len(shown)
    if not rest:
        return
    part = math.fsum(layer.lambda_ for layer in prediction.layers) - math.fsum(layer.lambda_ for layer in shown)
    layers = "layer" if rest == 1 else "layers"
    yield f"{rest} more {layers} with {words.share(max(part, 0.0), prediction.lambda_max)} of it: --layers all"
