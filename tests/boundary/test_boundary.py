"""The boundary of problems where it is known exactly."""

from __future__ import annotations

import numpy as np
import pytest

import lrbound
from lrbound.empirical.boundary import find_boundary
from lrbound.empirical.datasets import load_data
from lrbound.empirical.training import Run


def largest_curvature(data):
    return float(np.linalg.eigvalsh(data.x.T @ data.x / len(data))[-1])


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9])
def test_heavy_ball_diverges_where_the_hessian_says(linear, regression, train_on, momentum):
    network = linear(("training.optimizer.momentum", str(momentum)))
    result = find_boundary(network, lrbound.predict(network), train_on(regression), seeds=(0, 1, 2))
    expected = 2 * (1 + momentum) / largest_curvature(regression)

    assert result.learning_rate == pytest.approx(expected, rel=0.05)
    assert result.onset >= 0.3 * expected


def test_nesterov_diverges_where_the_hessian_says(linear, regression, train_on):
    network = linear(("training.optimizer.momentum", "0.8"), ("training.optimizer.nesterov", "true"))
    result = find_boundary(network, lrbound.predict(network), train_on(regression))

    assert result.learning_rate == pytest.approx(3.6 / 2.6 / largest_curvature(regression), rel=0.05)


def test_weight_decay_adds_to_the_curvature(linear, regression, train_on):
    network = linear(("training.optimizer.weight_decay", "5"))
    result = find_boundary(network, lrbound.predict(network), train_on(regression))

    assert result.learning_rate == pytest.approx(2 / (5 + largest_curvature(regression)), rel=0.05)


def test_the_same_seeds_give_the_same_result(tiny, train_on):
    network = tiny()
    first, second, other = (
        find_boundary(network, lrbound.predict(network), train_on(load_data(network)), seeds=seeds, steps=30)
        for seeds in ((3, 4), (3, 4), (5, 6))
    )

    assert first == second
    assert first.values != other.values


def test_json_has_the_fields_of_the_interface(tiny, train_on):
    network = tiny()
    prediction = lrbound.predict(network)
    result = find_boundary(network, prediction, train_on(load_data(network)), seeds=(0, 1), steps=30)
    found = result.to_json()

    assert list(found) == [
        "schema_version", "prediction", "boundary", "ratio", "ratio_curvature", "training", "warnings",
    ]  # fmt: skip
    assert found["prediction"] == prediction.to_json()
    assert set(found["boundary"]) == {"learning_rate", "values", "onset"}
    assert found["boundary"]["learning_rate"] == pytest.approx(np.median(found["boundary"]["values"]))
    assert found["ratio"] == found["boundary"]["learning_rate"] / prediction.max_learning_rate
    assert found["ratio_curvature"] == found["boundary"]["learning_rate"] / prediction.bounds.curvature


def test_a_boundary_that_is_not_there_is_null_with_the_reason(tiny, train_on, monkeypatch):
    monkeypatch.setattr("lrbound.empirical.runner.train", lambda *_: Run(1.0, 0.1, diverged=False, grew=False, steps=5))
    network = tiny(("training.loss", "cross_entropy"))
    result = find_boundary(network, lrbound.predict(network), train_on(load_data(network)), seeds=(0,), steps=5)

    assert (result.learning_rate, result.values, result.onset, result.ratio) == (None, (None,), None, None)
    boundary, onset = (one.message for one in result.warnings if one.code == "LRB079")
    assert boundary.startswith("boundary.learning_rate is null: no run diverged up to ")
    assert onset.startswith("boundary.onset is null: no run grew at once up to ")
    assert any(one.code == "LRB083" and "cross_entropy has no wall" in one.message for one in result.warnings)
