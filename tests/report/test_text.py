from __future__ import annotations

from dataclasses import replace

import pytest

from lrbound.prediction import LayerReport
from lrbound.report import REPORTS
from lrbound.report.base import CheckResult, Terminal


@pytest.fixture
def report():
    return REPORTS.get("text")(Terminal(width=100))


AT_80 = """\
Start at 0.0054; up to 0.0205 should hold; 0.21 will most likely not.

tiny (mean-field)

lambda_max                 161 (90 % of initialisations: 157 to 165)
max learning rate          0.0205 (limited by the noise between batches)
recommended learning rate  0.0054
bound, curvature           0.0237 (the stated batch in every step)
bound, minibatch           0.0205 (batches drawn anew in every step)
critical batch size        - (well below it the rate grows with the batch)

path                  layer   params      q  q_xy  lambda   share
─────────────────────────────────────────────────────────────────
layers.1              linear   1.01k  16100     0     120  75.0 %
layers.0.repeat[0].0  linear     10k    2.5   0.5    40.1  25.0 %
1 more layer with 0 % of it: --layers all

Confidence: medium, because the samples are taken as white.
For half_squared_error, batches of 128, gradients through batch statistics, sgd
with momentum 0.9, 10 outputs and 11,010 parameters, at initialisation.
The maximum is for the first few hundred steps; bounds are for the first ones,
at initialisation."""
AT_120 = (
    AT_80.replace("sgd\nwith momentum 0.9, 10", "sgd with momentum 0.9, 10 outputs and 11,010\n", 1)
    .replace("\n outputs and 11,010 parameters", "\nparameters")
    .replace("first ones,\nat", "first ones, at")
)


@pytest.mark.parametrize(("width", "whole"), [(80, AT_80), (120, AT_120)])
def test_prediction_whole(prediction, width, whole):
    assert REPORTS.get("text")(Terminal(width=width)).prediction(prediction) == whole


def test_what_to_do_stands_first(report, prediction):
    assert report.prediction(prediction).splitlines()[0] == prediction.advice


def test_without_box_drawing_all_is_ascii(prediction):
    shown = REPORTS.get("text")(Terminal(boxes=False)).prediction(prediction)

    assert shown.isascii()
    assert "\nlayers.0.repeat[0].0  linear " in shown


def test_no_escape_codes_unless_wanted(prediction):
    escape = "\x1b["

    assert escape not in REPORTS.get("text")(Terminal(colour=False)).prediction(prediction)
    assert escape in REPORTS.get("text")(Terminal(colour=True)).prediction(prediction)


@pytest.mark.parametrize("width", [60, 64, 70, 80, 200])
def test_lines_fit_the_terminal(prediction, width):
    deep = replace(prediction.layers[0], path="layers.4.repeat[11].layers.0.residual.layers.0.repeat[3].layers.1")
    text = REPORTS.get("text")(Terminal(width=width)).prediction(replace(prediction, layers=(deep, *prediction.layers)))

    assert max(map(len, text.splitlines())) <= width


def test_a_path_that_does_not_fit_loses_its_middle(prediction):
    shown = REPORTS.get("text")(Terminal(width=62)).prediction(prediction)

    assert "\nlaye...epeat[0].0  linear " in shown


def test_an_unknown_number_is_a_dash(report, prediction):
    unknown = replace(prediction, max_learning_rate=None, recommended_learning_rate=None, lambda_max_interval=None)
    shown = report.prediction(unknown).splitlines()

    assert "lambda_max                 161" in shown
    assert "max learning rate          -" in shown
    assert "recommended learning rate  -" in shown


def test_a_flat_loss_has_no_shares(prediction):
    report = REPORTS.get("text")(Terminal(), None)
    table = report.prediction(replace(prediction, lambda_max=0.0, lambda_max_interval=None)).partition("path ")[2]

    assert " %" not in table


def deep(prediction, rows):
    layers = tuple(LayerReport(f"layers.{i}", "linear", 1, 1.0, 0.5, 2.0 + i) for i in range(rows))
    return replace(prediction, lambda_max=sum(layer.lambda_ for layer in layers), layers=layers)


def test_the_ten_layers_with_the_largest_shares_are_shown(report, prediction):
    shown = report.prediction(deep(prediction, 40)).splitlines()

    assert [line.split()[0] for line in shown if " linear " in line] == [f"layers.{i}" for i in range(39, 29, -1)]
    assert "30 more layers with 57.6 % of it: --layers all" in shown


def test_all_layers_are_shown_in_their_order(prediction):
    shown = REPORTS.get("text")(Terminal(), None).prediction(deep(prediction, 40)).splitlines()

    assert [line.split()[0] for line in shown if " linear " in line] == [f"layers.{i}" for i in range(40)]
    assert not any("more layers" in line for line in shown)


def test_check_within(report, prediction):
    assert report.checks([CheckResult(True, 0.005, 0.0205, 0.005 / 0.0205, prediction, "a.yaml")]) == (
        "ok: learning rate 0.005 is within the largest stable rate 0.0205 (0.244 times; limited by the noise\n"
        "between batches)\n"
        "For half_squared_error, batches of 128, gradients through batch statistics, sgd with momentum 0.9,\n"
        "10 outputs and 11,010 parameters, at initialisation.\n"
        "The maximum is for the first few hundred steps; bounds are for the first ones, at initialisation."
    )


def test_check_above(report, prediction):
    shown = report.checks([CheckResult(False, 0.05, 0.0205, 0.05 / 0.0205, prediction, "a.yaml")])

    assert shown.startswith("too high: learning rate 0.05 is above the largest stable rate 0.0205 (2.44 times; ")
    assert "\nStart at 0.0054; up to 0.0205 should hold; 0.21 will most likely not.\n" in shown
