"""The schemas of outputs against real outputs: what is printed fits, and has no key that the schema does not name."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import jsonschema
import pytest
from typer.testing import CliRunner

from lrbound.cli.app import app
from lrbound.report._schemas import output_schema, outputs
from tests.cli.specs import REFUSED, stated, write_all

EXAMPLES = Path(__file__).parents[2] / "examples"
WINE = str(EXAMPLES / "wine.csv")


def closed(schema):
    """Return the schema that allows no keys beside those that it names."""
    schema = copy.deepcopy(schema)

    def close(node):
        if isinstance(node, dict):
            if node.get("type") == "object" and "properties" in node:
                node["additionalProperties"] = False
            for inner in node.values():
                close(inner)
        elif isinstance(node, list):
            for inner in node:
                close(inner)

    close(schema)
    return schema


@pytest.fixture
def run(tmp_path, monkeypatch):
    write_all(tmp_path)
    (tmp_path / "refused.yaml").write_text(REFUSED)
    (tmp_path / "adam.yaml").write_text(stated(0.001).replace("momentum: 0.9", "name: adam"))
    (tmp_path / "few.yaml").write_text(stated(0.001).replace("batch_size: 64", "batch_size: 5"))
    (tmp_path / "full.yaml").write_text(stated(0.001).replace("batch_size: 64", "batch_size: full"))
    monkeypatch.chdir(tmp_path)

    def invoke(*arguments):
        return CliRunner().invoke(app, [*arguments, "--format", "json"], prog_name="lrbound")

    return invoke


COMMANDS = [
    "predict good.yaml", "predict adam.yaml", "predict few.yaml", "predict full.yaml", "predict good.yaml --method wei2019",
    "predict good.yaml --batch-size 8,full", "predict .", "predict good.yaml adam.yaml --batch-size 8,32",
    "check good.yaml", "check high.yaml", "check broken.yaml", "check adam.yaml", "check .", "check rateless.yml",
    "compare good.yaml few.yaml", "compare good.yaml --normalizers layer,instance",
    "sweep good.yaml --vary gamma=0.5,1", "sweep good.yaml --vary batch_size=2,32",
    "solve good.yaml --vary gamma --lr 0.02", "solve good.yaml --vary momentum --lr 1e6",
    "transfer good.yaml few.yaml --lr 0.01", f"stats {WINE}", f"stats {WINE} --targets class",
    "measure few.yaml --seeds 1", "measure full.yaml --seeds 2 --samples 8 --per-layer",
    "report good.yaml few.yaml", "boundary good.yaml --steps 5 --seeds 1 --samples 64 --jobs 1",
]  # fmt: skip


@pytest.mark.parametrize("line", COMMANDS)
def test_what_is_printed_fits_its_schema(run, line):
    result = run(*line.split())
    schema = output_schema(line.split()[0])

    assert result.exit_code in (0, 1, 2), result.stderr
    for form in (schema, closed(schema)):
        jsonschema.Draft202012Validator(form).validate(json.loads(result.stdout))


def test_every_command_that_prints_json_has_a_schema():
    assert set(outputs()) == {line.split()[0] for line in COMMANDS}


@pytest.mark.parametrize("command", outputs())
def test_a_schema_is_one_and_the_command_prints_it(command):
    jsonschema.Draft202012Validator.check_schema(output_schema(command))
    shown = CliRunner().invoke(app, ["schema", "--output", command])

    assert json.loads(shown.stdout) == output_schema(command)


def test_the_checks_above_can_fail(run):
    found = json.loads(run("predict", "good.yaml").stdout)
    schema = output_schema("predict")

    for wrong in ({**found, "schema_version": 1}, {key: found[key] for key in found if key != "bounds"}):
        assert not jsonschema.Draft202012Validator(schema).is_valid(wrong)
    more = {**found, "news": 1}
    assert jsonschema.Draft202012Validator(schema).is_valid(more)
    assert not jsonschema.Draft202012Validator(closed(schema)).is_valid(more)


def test_another_output_is_refused():
    result = CliRunner().invoke(app, ["schema", "--output", "spec.json"])

    assert result.exit_code == 2
    assert "'spec.json' is no command that prints JSON: predict, check, " in result.stderr
