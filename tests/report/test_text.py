from __future__ import annotations

from dataclasses import replace

import pytest

from lrbound.prediction import LayerReport
from lrbound.report import REPORTS
from lrbound.report.base import CheckResult, Terminal


@pytest.fixture
def report():
    return REPORTS.get("text")(Terminal(width=100))


WHOLE = """\
tiny (mean-field)

path                         layer   parameters      q     q_xy  lambda   share
───────────────────────────────────────────────────────────────────────────────
layers.0.repeat[0].layers.0  linear      10,000    2.5      0.5   40.15  25.0 %
layers.0.repeat[0].layers.1  relu             0    0.5   0.3333       0   0.0 %
layers.1                     linear       1,010  16060  1.5e-07   120.5  75.0 %

lambda_max                 160.6 (90 % of initialisations: 157 to 165)
max learning rate          0.0205 (limited by what the curvature varies by from batch to batch)
recommended learning rate  0.0054
bound, curvature           0.0237 (the stated batch in every step)
bound, minibatch           0.0205 (batches drawn anew in every step)
critical batch size        - (the rate grows with the batch well below it, and no more far above)

Confidence: medium, because the samples are taken as white.
For half_squared_error, batches of 128, gradients through batch statistics, sgd with momentum 0.9,
10 outputs and 11,010 parameters, at initialisation.
The maximum is for the first few hundred steps; bounds are for the first ones, at initialisation.

Start at 0.0054; up to 0.021 should hold; 0.21 will most likely not."""


def test_prediction_whole(report, prediction):
    assert report.prediction(prediction) == WHOLE


def test_without_box_drawing_all_is_ascii(prediction):
    shown = REPORTS.get("text")(Terminal(boxes=False)).prediction(prediction)

    assert shown.isascii()
    assert "\nlayers.0.repeat[0].layers.0  linear " in shown


def test_no_escape_codes_unless_wanted(prediction):
    escape = "\x1b["

    assert escape not in REPORTS.get("text")(Terminal(colour=False)).prediction(prediction)
    assert escape in REPORTS.get("text")(Terminal(colour=True)).prediction(prediction)


@pytest.mark.parametrize("width", [64, 70, 80, 200])
def test_rows_fit_the_terminal(prediction, width):
    table = REPORTS.get("text")(Terminal(width=width)).prediction(prediction).split("lambda_max ")[0]

    assert max(map(len, table.splitlines())) <= width


def test_a_path_that_does_not_fit_loses_its_beginning(prediction):
    shown = REPORTS.get("text")(Terminal(width=70)).prediction(prediction)

    assert "\n...eat[0].layers.0  linear " in shown


def test_an_unknown_number_is_a_dash(report, prediction):
    unknown = replace(prediction, max_learning_rate=None, recommended_learning_rate=None, lambda_max_interval=None)
    shown = report.prediction(unknown).splitlines()

    assert "lambda_max                 160.6" in shown
    assert "max learning rate          -" in shown
    assert "recommended learning rate  -" in shown


def test_a_flat_loss_has_no_shares(report, prediction):
    assert " %" not in report.prediction(replace(prediction, lambda_max=0.0)).split("lambda_max ")[0]


def deep(prediction, rows):
    layers = tuple(LayerReport(f"layers.{i}", "linear", 1, 1.0, 0.5, 2.0) for i in range(rows))
    return replace(prediction, lambda_max=2.0 * rows, layers=layers)


def test_forty_layers_are_all_shown(report, prediction):
    shown = report.prediction(deep(prediction, 40))

    assert shown.count("linear") == 40
    assert "hidden" not in shown


def test_of_more_layers_the_middle_is_hidden(report, prediction):
    shown = report.prediction(deep(prediction, 41))

    assert shown.count("linear") == 32
    assert "layers.15 " in shown
    assert "layers.16 " not in shown
    assert "layers.24 " not in shown
    assert "layers.25 " in shown
    assert "(9 rows hidden, together 18 of lambda; --format json has all)" in shown.splitlines()


def test_check_within(report, prediction):
    assert report.checks([CheckResult(True, 0.005, 0.0205, 0.005 / 0.0205, prediction, "a.yaml")]) == (
        "ok: learning rate 0.005 is within the largest stable rate 0.0205 (0.2439 times; limited by what the\n"
        "curvature varies by from batch to batch)\n"
        "For half_squared_error, batches of 128, gradients through batch statistics, sgd with momentum 0.9,\n"
        "10 outputs and 11,010 parameters, at initialisation.\n"
        "The maximum is for the first few hundred steps; bounds are for the first ones, at initialisation."
    )


def test_check_above(report, prediction):
    shown = report.checks([CheckResult(False, 0.05, 0.0205, 0.05 / 0.0205, prediction, "a.yaml")])

    assert shown.startswith("too high: learning rate 0.05 is above the largest stable rate 0.0205 (2.439 times; ")
