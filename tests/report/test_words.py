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
        (160.62, "160.6"),
        (16_060.4, "16060"),
        (999_949.0, "999900"),
        (1.23456e6, "1.235e+06"),
        (1.5e-7, "1.5e-07"),
        (math.inf, "inf"),
        (math.nan, "nan"),
    ],
)
def test_number_has_four_significant_digits(value, text):
    assert words.number(value) == text


def test_a_maximum_says_what_limits_it(prediction):
    assert words.bound_words(prediction) == "limited by what the curvature varies by from batch to batch"


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
