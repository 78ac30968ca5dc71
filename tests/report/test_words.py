from __future__ import annotations

import math
from dataclasses import replace
from typing import get_args

import pytest

from lrbound.losses.cross_entropy import CrossEntropy
from lrbound.rate.survival import Reason
from lrbound.report import _words as words


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (0.0, "0"),
        (2.5, "2.5"),
        (0.0204999, "0.0205"),
        (160.62, "161"),
        (16_060.4, "16100"),
        (999_449.0, "999000"),
        (1.23456e6, "1.23e+06"),
        (1.5e-7, "1.5e-07"),
        (math.inf, "inf"),
        (math.nan, "nan"),
    ],
)
def test_number_has_three_significant_digits(value, text):
    assert words.number(value) == text


def test_what_is_rounding_beside_a_scale_is_0():
    assert [words.number(x, scale=2.5) for x in (3e-19, -3e-19, -0.0, 1e-6)] == ["0", "0", "0", "1e-06"]


@pytest.mark.parametrize(
    ("rate", "text"),
    [
        (0.01255, "0.0125"),
        (0.0205, "0.0205"),
        (0.0099999, "0.00999"),
        (2.0, "2"),
        (1.2349e-7, "1.23e-07"),
        (math.inf, "inf"),
        (0.0, "0"),
    ],
)
def test_a_rate_is_rounded_down(rate, text):
    assert words.rate(rate) == text
    assert float(text) <= rate


@pytest.mark.parametrize(
    ("part", "text"),
    [(97.3, "97.3 %"), (0.1, "0.1 %"), (0.04, "<0.1 %"), (0.0, "0 %"), (-1e-20, "0 %"), (3e-17, "0 %")],
)
def test_a_share_is_never_below_nothing(part, text):
    assert words.share(part, 100.0) == text


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0"), (999, "999"), (1000, "1k"), (785_000, "785k"), (999_600, "1M"), (25_557_032, "25.6M")]
)
def test_a_count_has_three_digits(count, text):
    assert words.short_count(count) == text


def test_a_path_is_readable():
    assert words.readable("layers.4.repeat[0].layers.0.concat.branches.1.5") == "layers.4.repeat[0].0.concat.1.5"


def test_a_maximum_says_what_limits_it(prediction):
    assert words.bound_words(prediction) == "limited by the noise between batches"


def test_every_reason_has_words():
    assert set(words.LIMITS) == set(get_args(Reason))


def test_the_published_formulas_repeat_the_stated_batch(prediction):
    published = replace(prediction, method="wei2019", limited_by=None)

    assert words.bound_words(published) == "the stated batch in every step"
    assert words.assumptions(published)[1] == words.AT_START


def test_a_full_batch_is_named(prediction):
    training = replace(prediction.assumptions.training, batch_size=None)
    full = replace(prediction, assumptions=replace(prediction.assumptions, training=training))

    assert words.assumptions(full)[0].startswith("For half_squared_error, a full batch, gradients through")


def test_confidence_is_a_sentence(prediction):
    assert words.confidence(prediction) == ["Confidence: medium, because the samples are taken as white."]
    assert words.confidence(replace(prediction, confidence=None)) == []


def test_cross_entropy_is_no_hard_limit(prediction):
    training = replace(prediction.assumptions.training, loss=CrossEntropy())
    softmax = replace(prediction, assumptions=replace(prediction.assumptions, training=training))

    assert words.assumptions(softmax)[-1] == (
        "With cross_entropy the bound is where trouble can begin, not where it must: networks often train above it, "
        "and worse."
    )
