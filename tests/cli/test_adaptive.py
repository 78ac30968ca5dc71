"""Every command that predicts has an answer or a refusal for an optimiser without a largest rate."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from lrbound.cli.app import app

SPEC = """
version: 1
input: {shape: [20]}
training: {loss: mse, batch_size: 16, optimizer: {name: OPTIMIZER, learning_rate: 0.001}}
layers: [{linear: 30}, relu, {linear: 3}]
"""


@pytest.fixture
def spec(tmp_path):
    def write(optimizer):
        path = tmp_path / f"{optimizer}.yaml"
        path.write_text(SPEC.replace("OPTIMIZER", optimizer))
        return str(path)

    return write


@pytest.mark.parametrize("optimizer", ["adamw", "lion"])
@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("predict",), 0),
        (("predict", "--batch-size", "4,32,full"), 0),
        (("predict", "--method", "wei2019"), 0),
        (("check",), 0),
        (("sweep", "--vary", "batch_size=8,16"), 0),
        (("sweep", "--vary", "width=10:40:3", "--format", "csv"), 0),
        (("solve", "--vary", "width", "--lr", "0.1"), 1),
        (("compare", "--normalizers", "none,batch_norm"), 0),
    ],
)
def test_a_command_does_not_crash(spec, optimizer, arguments, status):
    command, *rest = arguments
    result = CliRunner().invoke(app, [command, spec(optimizer), *rest])

    assert result.exit_code == status, result.output
    assert "Traceback" not in result.output


def test_compare_and_transfer_between_optimisers(spec):
    compared = CliRunner().invoke(app, ["compare", spec("adamw"), spec("sgd")])
    carried = CliRunner().invoke(app, ["transfer", spec("adamw"), spec("adamw"), "--lr", "0.001"])

    assert compared.exit_code == 0
    assert carried.exit_code == 2
    assert "no largest rate is known" in carried.output


def test_the_text_begins_with_what_can_be_said(spec):
    text = CliRunner().invoke(app, ["predict", spec("adamw")]).stdout

    assert "max learning rate          - (not known for adamw)" in text
    advice = " ".join(text.partition("\n\n")[0].split())
    assert advice.startswith("Start at ")
    assert advice.endswith("raises the loss. Not a stability limit.")


def test_json_has_the_rate_of_the_first_step(spec):
    adamw, sgd = (
        json.loads(CliRunner().invoke(app, ["predict", spec(name), "--format", "json"]).stdout)
        for name in ("adamw", "sgd")
    )

    assert adamw["first_step_learning_rate"] == pytest.approx(2.0 * adamw["recommended_learning_rate"])
    assert adamw["max_learning_rate"] is None
    assert sgd["first_step_learning_rate"] is None
