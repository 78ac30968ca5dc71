from __future__ import annotations

from dataclasses import replace

import pytest

from lrbound.empirical.measurement import Measurement, Sample
from lrbound.losses.half_squared_error import HalfSquaredError
from lrbound.network import Training
from lrbound.notices import Notice
from lrbound.optimizers.sgd import SGD
from lrbound.prediction import Assumptions, Bounds, LayerReport, Prediction
from lrbound.report import REPORTS
from lrbound.report.base import Terminal

PREDICTION = Prediction(
    name="tiny",
    method="mean-field",
    assumptions=Assumptions(Training(HalfSquaredError(), 128, SGD(momentum=0.9)), "through", 10, 1_010),
    lambda_max=150.0,
    lambda_max_interval=(120.0, 170.0),
    max_learning_rate=0.02,
    recommended_learning_rate=0.005,
    bounds=Bounds(0.0237, 0.02),
    layers=(
        LayerReport("layers.0", "linear", 1_000, 2.5, 0.5, 100.0),
        LayerReport("layers.1", "relu", 0, 0.5, 0.3, 0.0),
        LayerReport("layers.2", "linear", 10, 2.5, 0.5, 50.0),
    ),
    warnings=(Notice("LRB012", "a warning"),),
)
SAMPLES = (Sample(100.0, {"layers.0": 80.0, "layers.2": 20.0}), Sample(140.0, {"layers.0": 90.0, "layers.2": 50.0}))
MEASURED = Measurement(PREDICTION, SAMPLES, 128, per_layer=True)


def test_compares_with_the_prediction():
    assert MEASURED.mean == 120.0
    assert MEASURED.std == pytest.approx(800**0.5)
    assert MEASURED.ratio == 1.25
    assert MEASURED.inside_interval == 1


def test_layers_are_those_with_parameters_and_their_mean_parts():
    assert [(m.path, m.predicted, m.measured) for m in MEASURED.layers] == [
        ("layers.0", 100.0, 85.0),
        ("layers.2", 50.0, 35.0),
    ]


def test_json_is_the_object_of_the_interface():
    assert replace(MEASURED, per_layer=False).to_json() == {
        "schema_version": 2,
        "prediction": PREDICTION.to_json(),
        "measured": {"lambda_max": 120.0, "std": 800**0.5, "values": [100.0, 140.0], "inside_interval": 1},
        "ratio": 1.25,
    }


def test_json_has_the_layers_if_they_are_wanted():
    assert MEASURED.to_json()["layers"][1] == {
        "path": "layers.2", "layer": "linear", "parameters": 10, "predicted": 50.0, "measured": 35.0,
    }  # fmt: skip


def test_what_does_not_apply_is_null():
    one = Measurement(replace(PREDICTION, lambda_max_interval=None), SAMPLES[:1], 128)

    assert one.to_json()["measured"] == {"lambda_max": 100.0, "std": None, "values": [100.0], "inside_interval": None}


def test_a_ratio_to_zero_is_null_with_a_reason():
    zero = Measurement(PREDICTION, (Sample(0.0, {}),), 128)
    text = REPORTS.get("json")(Terminal()).measurement(zero)

    assert '"ratio": null' in text
    assert "ratio is null: its value is inf, which JSON cannot hold" in text


def test_json_keeps_the_order_of_the_interface():
    text = REPORTS.get("json")(Terminal()).measurement(MEASURED)
    places = [text.index(f'\n  "{key}"') for key in ("schema_version", "prediction", "measured", "ratio", "layers")]

    assert places == sorted(places)


def test_text():
    assert REPORTS.get("text")(Terminal(boxes=False)).measurement(MEASURED).splitlines()[:7] == [
        "tiny (mean-field), 2 initialisations on 128 samples each",
        "",
        "lambda_max predicted  150 (90 % of initialisations: 120 to 170)",
        "lambda_max measured   120 (100, 140)",
        "spread (sd)           28.3",
        "predicted / measured  1.250",
        "inside the interval   1 of 2",
    ]


def test_text_has_the_layers_if_they_are_wanted():
    report = REPORTS.get("text")(Terminal(boxes=False))
    with_layers, without = report.measurement(MEASURED), report.measurement(replace(MEASURED, per_layer=False))

    assert with_layers.startswith(without)
    assert [line.split() for line in with_layers.splitlines()[-2:]] == [
        ["layers.0", "linear", "1k", "100", "85", "1.176"],
        ["layers.2", "linear", "10", "50", "35", "1.429"],
    ]


def test_text_of_one_initialisation_without_an_interval():
    one = Measurement(replace(PREDICTION, lambda_max_interval=None), SAMPLES[:1], 128)
    lines = REPORTS.get("text")(Terminal()).measurement(one).splitlines()

    assert lines[0] == "tiny (mean-field), 1 initialisation on 128 samples each"
    assert lines[2] == "lambda_max predicted  150"
    assert lines[4] == "spread (sd)           -"
    assert lines[6] == "inside the interval   there is no predicted interval"
