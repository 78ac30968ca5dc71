from __future__ import annotations

from dataclasses import replace

import pytest

from lrbound.report import REPORTS
from lrbound.report.base import CheckResult

ASSUMED = (
    "%0AFor half_squared_error, batches of 128, gradients through batch statistics, sgd with momentum 0.9, 10 outputs "
    "and 11,010 parameters, at initialisation.%0AThe maximum is for the first few hundred steps; bounds are "
    "for the first ones, at initialisation."
)


WARNING = (
    "\n::warning file=nets/a.yaml,title=lrbound%3A Batch statistics over few samples (LRB012)::first warning (layers.1)"
)


def first(report, *checked):
    """Return the annotation of the first verdict."""
    return report.checks(list(checked)).partition("\n")[0]


@pytest.fixture
def report():
    return REPORTS.get("github")()


def test_a_rate_above_the_bound_is_an_error(report, prediction):
    result = CheckResult(False, 0.05, 0.0205, 0.05 / 0.0205, prediction, "nets/a.yaml")

    assert report.checks([result]) == (
        "::error file=nets/a.yaml,title=lrbound%3A The learning rate is too high::tiny: learning rate 0.05 is above the largest "
        "stable rate 0.0205 (2.44 times; limited by the noise between batches)" + ASSUMED + WARNING
    )


def test_a_rate_within_the_bound_is_a_notice(report, prediction):
    result = CheckResult(True, 0.005, 0.0205, 0.005 / 0.0205, prediction, "-")

    assert report.checks([result]) == (
        "::notice title=lrbound%3A learning rate ok::tiny: learning rate 0.005 is within the largest stable rate 0.0205 "
        "(0.244 times; limited by the noise between batches)" + ASSUMED + WARNING.replace("file=nets/a.yaml,", "")
    )


def test_what_would_end_the_command_is_escaped(report, prediction):
    named = replace(prediction, name="50%\r\n::error::x")
    shown = first(report, CheckResult(True, 0.005, 0.0205, 0.24, named, "a,b:c%.yaml\n"))

    assert shown.startswith("::notice file=a%2Cb%3Ac%25.yaml%0A,title=")
    assert "::50%25%0D%0A::error::x: learning rate" in shown
    assert "\n" not in shown


def test_a_prediction_has_no_annotation(report, prediction):
    with pytest.raises(NotImplementedError, match=r"^lrbound\.report\.github$"):
        report.prediction(prediction)


def test_a_rate_that_passes_above_the_recommended_one_is_a_warning(report, prediction):
    shown = first(report, CheckResult(True, 0.01, 0.0205, 0.01 / 0.0205, prediction, "-"))

    assert shown.startswith(
        "::warning title=lrbound%3A The learning rate is above the recommended one::tiny: learning rate 0.01 "
    )
    assert "; it is above the recommended 0.0054%0A" in shown
