"""``stats`` and ``predict --data`` from end to end."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import lrbound
from lrbound.cli.app import app
from lrbound.explore.statistics import statistics

SPEC = """# a net
version: 1
input:
  shape: [20]
  mean_square: 2.0
training: {batch_size: 64}  # small
layers: [{linear: 64}, batch_norm, relu, {linear: 3}]
"""


@pytest.fixture
def table(tmp_path):
    """Write a table with a heavy tail, and a column of prices."""
    rng = np.random.default_rng(0)
    x = np.exp(rng.standard_normal((400, 20)))
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    price = rng.uniform(100.0, 1000.0, 400)
    header = ",".join([*(f"f{i}" for i in range(20)), "price"])
    rows = [",".join(map(repr, map(float, row))) for row in np.column_stack([x, price])]
    path = tmp_path / "table.csv"
    path.write_text("\n".join([header, *rows]))
    return path, x, price


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_the_numbers_are_those_of_the_table(table):
    path, x, price = table
    found = json.loads(run("stats", path, "--targets", "price", "--format", "json").stdout)
    norms = np.square(x).sum(axis=1)

    assert (found["samples"], found["shape"], found["features"]) == (400, [20], 20)
    assert found["norm_kurtosis"] == pytest.approx(np.mean(norms**2) / np.mean(norms) ** 2, rel=1e-9)
    assert found["target_scale"] == pytest.approx(math.sqrt(np.mean(price**2)), rel=1e-9)
    assert found["classes"] is None


def test_write_changes_the_input_and_nothing_else(table, tmp_path):
    path, x, _ = table
    spec = tmp_path / "net.yaml"
    spec.write_text(SPEC)
    assert run("stats", path, "--targets", "price", "--write", spec).exit_code == 0
    text, net = spec.read_text(), lrbound.load(spec)

    assert text.startswith("# a net\nversion: 1\n")
    assert "layers: [{linear: 64}, batch_norm, relu, {linear: 3}]" in text
    assert net.input.mean_square == pytest.approx(np.mean(x**2), rel=1e-5)
    assert net.input.norm_kurtosis > 1.5
    assert net.training.batch_size == 64
    assert net.training.target_scale == pytest.approx(593.0, rel=0.05)


def test_predict_takes_the_statistics_of_the_data(table, tmp_path):
    path, x, _ = table
    spec = tmp_path / "net.yaml"
    spec.write_text(SPEC)
    answer = json.loads(run("predict", spec, "--data", path, "--targets", "price", "--format", "json").stdout)
    net = lrbound.load(spec)
    stated = lrbound.predict(replace(net, input=statistics(x).law((20,))))

    assert answer["lambda_max"] == pytest.approx(stated.lambda_max, rel=1e-6)
    assert answer["lambda_max"] != pytest.approx(lrbound.predict(net).lambda_max, rel=1e-3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--targets", "no"], "has no column 'no'; its columns are f0, f1"),
        (["--mean", "0.5"], "--mean and --std are for images"),
        (["--array", "x"], "has no array 'x'"),
    ],
)
def test_what_does_not_fit_ends_in_status_2(table, arguments, message):
    answer = run("stats", table[0], *arguments)

    assert answer.exit_code == 2
    assert message in answer.stderr


def test_data_of_another_size_ends_in_status_2(table, tmp_path):
    spec = tmp_path / "net.yaml"
    spec.write_text(SPEC)
    answer = run("predict", spec, "--data", table[0])

    assert answer.exit_code == 2
    assert "samples of shape [20] are needed, got [21]" in answer.stderr


def test_typical_statistics_fill_in_what_is_not_stated():
    text = "version: 1\ninput: {{shape: [3, 8, 8], kind: {}}}\nlayers: [global_avg_pool, {{linear: 2}}]\n"
    images, white = (lrbound.parse(text.format(kind)).input for kind in ("images", "white"))

    assert images.mean_share == 0.3
    assert white.white
    assert not images.white


def test_predict_says_what_unknown_samples_may_do_only_where_it_matters(tmp_path):
    deep = "[{repeat: {times: 3, layers: [{linear: 256}, batch_norm, relu]}}, {linear: 10}]"
    plain = "[{repeat: {times: 3, layers: [{linear: 256}, layer_norm, relu]}}, {linear: 10}]"
    answers = []
    for layers in (deep, plain):
        spec = tmp_path / "net.yaml"
        spec.write_text(f"version: 1\ninput: {{shape: [64]}}\ntraining: {{batch_size: 32}}\nlayers: {layers}\n")
        answers.append(run("predict", spec).stderr)

    assert "LRB042" in answers[0]
    assert "times this" in answers[0]
    assert answers[1] == ""


def test_check_holds_a_rate_against_the_maximum_on_these_samples():
    examples = Path(__file__).parents[2] / "examples"
    given = ["--data", examples / "wine.csv", "--targets", "class", "--fail-above", "max", "--format", "json"]
    spec = examples / "wine.yaml"
    white = json.loads(run("predict", spec, "--format", "json").stdout)["max_learning_rate"]
    known = json.loads(run("predict", spec, *given[:4], "--format", "json").stdout)["max_learning_rate"]
    assert known < 0.9 * white

    between = run("check", spec, "--lr", (known * white) ** 0.5, *given)

    assert between.exit_code == 1
    assert json.loads(between.stdout)["max_learning_rate"] == known
    assert run("check", spec, "--lr", (known * white) ** 0.5, *given[4:]).exit_code == 0
