from __future__ import annotations

import json
from dataclasses import replace

import jsonschema
import pytest

import lrbound
from lrbound.notices import Notice
from lrbound.report import REPORTS
from lrbound.report.base import CheckResult, Finding, NotChecked

TEXT = {
    "type": "object",
    "additionalProperties": False,
    "required": ["text"],
    "properties": {"text": {"type": "string"}, "markdown": {"type": "string"}},
}
LEVEL = {"enum": ["none", "note", "warning", "error"]}
PLACE = {
    "type": "object",
    "required": ["physicalLocation"],
    "properties": {
        "physicalLocation": {
            "type": "object",
            "additionalProperties": False,
            "required": ["artifactLocation"],
            "properties": {
                "artifactLocation": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {"uri": {"type": "string", "pattern": r"^([!#-;=?-\[\]_a-z~]|%[0-9A-Fa-f]{2})+$"}},
                },
                "region": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {
                        "startLine": {"type": "integer", "minimum": 1},
                        "startColumn": {"type": "integer", "minimum": 1},
                    },
                },
            },
        }
    },
}
RESULT = {
    "type": "object",
    "additionalProperties": False,
    "required": ["message"],
    "properties": {
        "ruleId": {"type": "string"},
        "ruleIndex": {"type": "integer", "minimum": 0},
        "level": LEVEL,
        "message": TEXT,
        "locations": {"type": "array", "items": PLACE},
    },
}
RULE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["id"],
    "properties": {
        "id": {"type": "string"},
        "shortDescription": TEXT,
        "fullDescription": TEXT,
        "help": TEXT,
        "defaultConfiguration": {"type": "object", "properties": {"level": LEVEL}},
    },
}
NOTIFICATION = {
    "type": "object",
    "additionalProperties": False,
    "required": ["message"],
    "properties": {"level": LEVEL, "message": TEXT},
}
INVOCATION = {
    "type": "object",
    "additionalProperties": False,
    "required": ["executionSuccessful"],
    "properties": {
        "executionSuccessful": {"type": "boolean"},
        "toolExecutionNotifications": {"type": "array", "items": NOTIFICATION},
    },
}
DRIVER = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name"],
    "properties": {
        "name": {"type": "string"},
        "version": {"type": "string"},
        "rules": {"type": "array", "uniqueItems": True, "items": RULE},
    },
}
RUN = {
    "type": "object",
    "additionalProperties": False,
    "required": ["tool"],
    "properties": {
        "tool": {"type": "object", "required": ["driver"], "properties": {"driver": DRIVER}},
        "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
        "invocations": {"type": "array", "items": INVOCATION},
        "results": {"type": "array", "items": RESULT},
    },
}
# what the schema of SARIF 2.1.0 (OASIS, errata 01) demands of the parts that are used
SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["version", "runs"],
    "properties": {
        "$schema": {"type": "string", "format": "uri"},
        "version": {"const": "2.1.0"},
        "runs": {"type": "array", "minItems": 1, "items": RUN},
    },
}


def run_of(*checked):
    """Return the one run of the log, which fits the schema."""
    log = json.loads(REPORTS.get("sarif")().checks(checked))
    jsonschema.validate(log, SCHEMA)
    (run,) = log["runs"]
    return run


def test_a_rate_above_the_bound_is_an_error_at_its_place(prediction):
    run = run_of(CheckResult(False, 0.05, 0.0205, 0.05 / 0.0205, prediction, "nets/a b.yaml", 7, 41))
    result = run["results"][0]

    assert (result["level"], result["ruleId"]) == ("error", "LRB100")
    assert result["message"]["text"].startswith(
        "tiny: learning rate 0.05 is above the largest stable rate 0.0205 (2.44 times; limited by the noise between batches)\n"
    )
    assert result["locations"] == [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": "nets/a%20b.yaml"},
                "region": {"startLine": 7, "startColumn": 41},
            }
        }
    ]
    driver = run["tool"]["driver"]
    assert [driver["rules"][one["ruleIndex"]]["id"] for one in run["results"]] == ["LRB100", "LRB012"]
    assert (driver["name"], driver["version"]) == ("lrbound", lrbound.__version__)


def test_a_warning_is_a_result_at_its_layer(prediction):
    run = run_of(CheckResult(True, 0.005, 0.0205, 0.2, prediction, "a.yaml", 7, 41, places={"layers.1": (12, 5)}))
    (result,) = run["results"]

    assert (result["level"], result["ruleId"]) == ("warning", "LRB012")
    assert result["message"]["text"] == "first warning (layers.1)"
    assert result["locations"][0]["physicalLocation"]["region"] == {"startLine": 12, "startColumn": 5}


def test_a_rate_within_the_bound_is_no_result_but_a_note(prediction):
    fine = replace(prediction, warnings=())
    run = run_of(CheckResult(True, 0.005, 0.0205, 0.005 / 0.0205, fine, "a.yaml", 7, 41))
    (note,) = run["invocations"][0]["toolExecutionNotifications"]

    assert run["results"] == []
    assert note["level"] == "note"
    assert note["message"]["text"].startswith("tiny: learning rate 0.005 is within the largest stable rate 0.0205 ")


def test_every_error_of_a_broken_spec_is_a_result(prediction):
    errors = tuple(Finding(Notice("LRB110", f"error {line}"), "b.yaml", line, 3) for line in (4, 5))
    good = CheckResult(True, 0.005, 0.0205, 0.2, replace(prediction, warnings=()), "a.yaml")
    run = run_of(good, NotChecked("b.yaml", errors, "..."))

    assert [(one["ruleId"], one["level"], one["message"]["text"]) for one in run["results"]] == [
        ("LRB110", "error", "error 4"),
        ("LRB110", "error", "error 5"),
    ]


@pytest.mark.parametrize(
    ("spec", "line", "locations"),
    [
        ("-", 7, []),
        ("a.yaml", 0, [{"physicalLocation": {"artifactLocation": {"uri": "a.yaml"}}}]),
        ("/a/b.yaml", 0, [{"physicalLocation": {"artifactLocation": {"uri": "file:///a/b.yaml"}}}]),
    ],
)
def test_what_is_not_known_of_the_place_is_left_out(prediction, spec, line, locations):
    run = run_of(CheckResult(False, 0.05, 0.0205, 2.4, prediction, spec, line, 1))

    assert run["results"][0]["locations"] == locations


def test_a_bound_of_zero_is_still_json(prediction):
    run = run_of(CheckResult(False, 0.05, 0.0, float("inf"), replace(prediction, warnings=()), "a.yaml"))

    assert "(inf times;" in run["results"][0]["message"]["text"]
