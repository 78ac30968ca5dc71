"""Numbers and sentences for people, shared by the formats that people read."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from lrbound.prediction import at_most
from lrbound.report.base import CheckResult

if TYPE_CHECKING:
    from lrbound.prediction import Prediction
    from lrbound.report.base import Checked

NONE = "-"
ROUNDING = 1e-9
"""Part of a quantity below which a number is an error of rounding."""
LEAST_SHARE = 0.1
"""Shares in per cent that are told apart from nothing."""
LARGEST_PLAIN = 1e6

CURVATURE = "the stated batch in every step"
MINIBATCH = "batches drawn anew in every step"
CRITICAL_BATCH = "well below it the rate grows with the batch"
FIRST_STEPS = "The maximum is for the first few hundred steps; bounds are for the first ones, at initialisation."
FIRST_STEP = "without warm-up, a first step larger than this raises the loss"
AT_START = "The bound is for the first steps: the curvature changes while a network trains."
LIMITS = {
    "curvature": "the curvature at the start",
    "minibatch": "the noise between batches",
    "data": "a direction that the samples share",
    "targets": "the layers' growth while fitting",
}


def number(value: float | None, *, scale: float = 0.0) -> str:
    """Return a number with 3 significant digits, ``-`` for None, 0 where it is rounding beside a ``scale``."""
    if value is None:
        return NONE
    if abs(value) < ROUNDING * scale:
        return "0"
    text = f"{value:.3g}"
    # 1.606e+04 is 16060 to a reader; beyond a million the exponent reads better
    if "e+" in text and math.isfinite(value) and abs(value) < LARGEST_PLAIN:
        return f"{float(text):.0f}"
    return text


def rate(value: float | None) -> str:
    """Return a predicted rate with 3 digits, rounded down."""
    return NONE if value is None else at_most(value)


def given(value: float) -> str:
    """Return a number that somebody gave, as it is."""
    return f"{value:.6g}"


def share(part: float, total: float) -> str:
    """Return a part in per cent."""
    if not (total > 0.0 and math.isfinite(total)):
        return NONE
    percent = 100.0 * part / total
    if abs(percent) < LEAST_SHARE:
        return "0 %" if abs(percent) < 100.0 * ROUNDING else f"<{LEAST_SHARE:g} %"
    return f"{percent:.1f} %"


def readable(text: str) -> str:
    """Return paths without the names of arguments that hold layers."""
    return text.replace(".layers.", ".").replace(".branches.", ".")


def batch(size: float | None) -> str:
    """Return a batch size in whole samples."""
    if size is None:
        return NONE
    return "below 1" if size < 1.0 else f"{size:,.0f}"


def count(value: int) -> str:
    """Return an integer with its thousands apart."""
    return f"{value:,}"


def short_count(value: int) -> str:
    """Return an integer with 3 digits and a letter for its thousands."""
    for power, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= 0.9995 * power:
            return f"{value / power:.3g}{letter}"
    return str(value)


def bound_words(prediction: Prediction) -> str:
    """Return what the maximum is set by."""
    return CURVATURE if prediction.limited_by is None else f"limited by {LIMITS[prediction.limited_by]}"


def confidence(prediction: Prediction) -> list[str]:
    """Return a sentence on how far the maximum can be trusted."""
    found = prediction.confidence
    return [] if found is None else [f"Confidence: {found.level}, because {found.reason}."]


def assumptions(prediction: Prediction) -> list[str]:
    """Return sentences that say what the numbers hold for."""
    a = prediction.assumptions
    batch = "a full batch" if a.batch_size is None else f"batches of {count(a.batch_size)}"
    if a.training.accumulation > 1:
        batch += f", {count(a.training.accumulation)} to a step"
    statistics = {
        "through": "gradients through batch statistics",
        "frozen": "batch statistics held constant in the gradients",
    }[a.batch_statistics]
    conditions = (
        f"For {a.training.loss.words}, {batch}, {statistics}, {a.training.optimizer.words}, "
        f"{count(a.outputs)} outputs and {count(a.parameters)} parameters, at initialisation."
    )
    conditions += _weights(prediction)
    if prediction.first_step_learning_rate is not None:
        return [conditions]
    caution = a.training.loss.caution
    return [conditions, FIRST_STEPS if prediction.limited_by else AT_START, *([] if caution is None else [caution])]


def _weights(prediction: Prediction) -> str:
    stds = [layer.weight_std for layer in prediction.layers if layer.weight_std is not None]
    if not stds:
        return ""
    low, high = (f"{value:.3g}" for value in (min(stds), max(stds)))
    return f" Weights start with standard deviations {'of ' + low if low == high else f'from {low} to {high}'}."


def _first_step_verdict(result: CheckResult) -> str:
    first = result.prediction.first_step_learning_rate
    above = first is not None and result.learning_rate > first
    sentence = (
        f"learning rate {given(result.learning_rate)} is {'above' if above else 'within'} the rate of the first step "
        f"{rate(first)}"
    )
    if above:
        sentence += ": without warm-up the first step raises the loss, from which training usually recovers"
    sentence += f"; no largest stable rate is known for {result.prediction.assumptions.optimizer}"
    return sentence if result.fail_above is None else f"{sentence}; the check fails above {rate(result.fail_above)}"


def outcome(checked: Checked) -> str:
    """Return in a word what became of a check."""
    if not isinstance(checked, CheckResult):
        return "skipped" if checked.skipped else "error"
    return "warning" if checked.cautious else "ok" if checked.ok else "too high"


def verdict(result: CheckResult) -> str:
    """Return the outcome of a check in one sentence."""
    largest = result.max_learning_rate
    if largest is None:
        return _first_step_verdict(result)
    side = "within" if result.learning_rate <= largest else "above"
    sentence = (
        f"learning rate {given(result.learning_rate)} is {side} the largest stable rate "
        f"{rate(largest)} ({number(result.ratio)} times; {bound_words(result.prediction)})"
    )
    if result.fail_above is not None and result.fail_above != largest:
        sentence += f"; the check fails above {rate(result.fail_above)}"
    if result.cautious:
        sentence += f"; it is above the recommended {rate(result.prediction.recommended_learning_rate)}"
    return sentence
