"""A rate carried from one network to another, and predictions at several batch sizes, end to end."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from lrbound.cli.app import app

SPEC = """
version: 1
name: NAME
input: {shape: [64], correlation: 0.48}
init: he
training: {loss: half_squared_error, batch_size: BATCH, optimizer: {name: sgd, momentum: 0.9}}
layers: [linear: WIDTH, relu, linear: 10]
"""


@pytest.fixture
def spec(tmp_path):
    def write(name, *, width=64, batch=32):
        path = tmp_path / f"{name}.yaml"
        path.write_text(SPEC.replace("NAME", name).replace("WIDTH", str(width)).replace("BATCH", str(batch)))
        return str(path)

    return write


def run(*arguments):
    return CliRunner().invoke(app, list(arguments), prog_name="lrbound")


def loaded(*arguments):
    return json.loads(run(*arguments, "--format", "json").stdout)


def test_a_rate_is_carried_as_the_same_part_of_the_largest(spec):
    found = loaded("transfer", spec("base"), spec("wide", width=512), "--lr", "0.01")

    new, base = found["new"]["max_learning_rate"], found["base"]["max_learning_rate"]
    assert new < 0.5 * base
    assert found["learning_rate"] / new == pytest.approx(0.01 / base)


def test_to_the_same_network_a_rate_is_carried_unchanged(spec):
    assert loaded("transfer", spec("base"), spec("same"), "--lr", "0.01")["learning_rate"] == pytest.approx(0.01)


def test_a_rate_above_the_largest_of_the_base_is_carried_with_a_warning(spec):
    result = run("transfer", spec("base"), spec("wide", width=512), "--lr", "5")

    assert result.exit_code == 0
    assert "the rate 5 is above the base's max_learning_rate" in result.stderr
    assert "Carried learning rate: " in result.stdout


def test_networks_that_different_things_limit_are_warned_of(spec):
    result = run("transfer", spec("noisy", batch=2), spec("full", batch="full"), "--lr", "0.001")

    assert "the base is limited by minibatch, the new network by " in result.stderr


def test_a_rate_that_is_none_and_a_spec_that_is_missing_are_refused(spec):
    assert run("transfer", spec("base"), spec("wide"), "--lr", "0").exit_code == 2
    assert run("transfer", spec("base"), "missing.yaml", "--lr", "0.1").exit_code == 2


def test_several_batch_sizes_are_what_each_gives_alone(spec):
    path = spec("base")
    several = loaded("predict", path, "--batch-size", "4,32,full")["predictions"]

    assert several == [loaded("predict", path, "--batch-size", size) for size in ("4", "32", "full")]


def test_several_batch_sizes_have_a_row_each(spec):
    lines = run("predict", spec("base"), "--batch-size", "4, 32,full").stdout.splitlines()

    assert [line.split()[0] for line in lines[2:]] == ["4", "32", "full"]


def test_a_batch_size_among_several_that_is_none_is_refused(spec):
    result = run("predict", spec("base"), "--batch-size", "4,many")

    assert (result.exit_code, result.stdout) == (2, "")
