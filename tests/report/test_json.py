from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

from lrbound.report import REPORTS
from lrbound.report.base import CheckResult


def lost(message):
    return {"code": "LRB014", "severity": "warning", "message": message, "path": None}


@pytest.fixture
def report():
    return REPORTS.get("json")()


def test_prediction_is_the_object_of_the_interface(report, prediction):
    assert json.loads(report.prediction(prediction)) == prediction.to_json()


def test_prediction_is_indented_by_two(report, prediction):
    assert report.prediction(prediction).startswith('{\n  "schema_version": 2,\n  "name": "tiny",\n')


def test_check_wraps_the_prediction(report, prediction):
    result = CheckResult(True, 0.005, 0.0205, 0.005 / 0.0205, prediction, "a.yaml")

    shown = json.loads(report.checks([result]))

    assert list(shown) == [
        "schema_version",
        "ok",
        "learning_rate",
        "max_learning_rate",
        "ratio",
        "level",
        "fail_above",
        "prediction",
    ]
    assert shown == {
        "schema_version": 2,
        "ok": True,
        "learning_rate": 0.005,
        "max_learning_rate": 0.0205,
        "ratio": 0.005 / 0.0205,
        "level": "ok",
        "fail_above": 0.0205,
        "prediction": prediction.to_json(),
    }


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_a_number_that_json_cannot_hold_is_null_and_said(report, prediction, value):
    layers = (prediction.layers[0], replace(prediction.layers[1], q=value))
    shown = json.loads(report.prediction(replace(prediction, lambda_max=value, layers=layers)))

    assert shown["lambda_max"] is None
    assert shown["layers"][1]["q"] is None
    assert shown["warnings"] == [
        {"code": "LRB012", "severity": "warning", "message": "first warning", "path": "layers.1"},
        lost(f"lambda_max is null: its value is {value}, which JSON cannot hold"),
        lost(f"layers[1].q is null: its value is {value}, which JSON cannot hold"),
    ]


def test_a_check_says_so_among_the_warnings_of_its_prediction(report, prediction):
    shown = json.loads(report.checks([CheckResult(False, 0.01, 0.0, math.inf, prediction, "a.yaml")]))

    assert shown["ratio"] is None
    assert shown["prediction"]["warnings"][1:] == [lost("ratio is null: its value is inf, which JSON cannot hold")]
