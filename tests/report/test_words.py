from __future__ import annotations

import math
from dataclasses import replace

import pytest

from lrbound.losses.cross_entropy import CrossEntropy
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


def test_the_maximum_is_the_minibatch_bound_where_batches_have_a_size(prediction):
    assert words.bound_name(prediction) == "minibatch"


def test_the_maximum_is_the_curvature_bound_for_a_full_batch(prediction):
    full = replace(
        prediction,
        assumptions=replace(prediction.assumptions, training=replace(prediction.assumptions.training, batch_size=None)),
    )

    assert words.bound_name(full) == "curvature"
    assert words.assumptions(full)[0].startswith("For half_squared_error, a full batch, gradients through")


def test_the_maximum_is_the_curvature_bound_for_the_published_method(prediction):
    assert words.bound_name(replace(prediction, method="wei2019")) == "curvature"


def test_cross_entropy_is_no_hard_limit(prediction):
    training = replace(prediction.assumptions.training, loss=CrossEntropy())
    softmax = replace(prediction, assumptions=replace(prediction.assumptions, training=training))

    assert words.assumptions(softmax)[-1] == (
        "With cross_entropy the bound is where trouble can begin, not where it must: networks often train above it, "
        "and worse."
    )
