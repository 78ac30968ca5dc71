"""What services for continuous integration get: on good, failing and broken specs, with file, line and column."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from xml.etree import ElementTree as ET

import pytest
import yaml

from tests.cli.specs import REFUSED, write_all

PLACES = {
    ("broken.yaml", 4, 13),  # features: -4
    ("broken.yaml", 5, 5),  # an unknown layer
    ("high.yaml", 5, 45),  # the rate
    ("rateless.yml", 5, 14),  # the optimiser
    ("refused.yaml", 6, 5),  # the layer of which the theory has no answer
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return the current folder, with specs of every kind."""
    write_all(tmp_path)
    (tmp_path / "refused.yaml").write_text(REFUSED)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def of_github(text):
    found = re.findall(r"^::(?:error|warning) file=([^,]+),line=(\d+),col=(\d+),title=", text, re.MULTILINE)
    return {(file, int(line), int(column)) for file, line, column in found}


def of_sarif(text):
    results = json.loads(text)["runs"][0]["results"]
    places = [one["locations"][0]["physicalLocation"] for one in results if one["level"] != "note"]
    return {(at["artifactLocation"]["uri"], at["region"]["startLine"], at["region"]["startColumn"]) for at in places}


def of_markdown(text):
    found = re.findall(r"^\* `(.+?):(\d+):(\d+)` \*\*(?:error|warning)\*\*", text, re.MULTILINE)
    return {(file, int(line), int(column)) for file, line, column in found}


def of_json(text):
    found = [(one, finding) for one in json.loads(text)["specs"] for finding in one["findings"]]
    return {(one["spec"], f["line"], f["column"]) for one, f in found if f["severity"] != "info"}


@pytest.mark.parametrize("read", [of_github, of_sarif, of_markdown, of_json])
def test_every_finding_has_its_file_line_and_column(cli, folder, read):
    result = cli("check", ".", "--format", read.__name__.removeprefix("of_"))

    assert result.exit_code == 2
    assert read(result.stdout) == PLACES
    assert result.stderr == ""


def test_junit_has_a_case_for_each_spec(cli, folder):
    suite = ET.fromstring(cli("check", ".", "--format", "junit").stdout.encode())[0]
    became = {case.get("file"): {element.tag for element in case} - {"system-out", "system-err"} for case in suite}

    assert became == {
        "broken.yaml": {"error"},
        "good.yaml": set(),
        "high.yaml": {"failure"},
        "rateless.yml": {"skipped"},
        "refused.yaml": {"error"},
    }


@pytest.mark.parametrize("output", ["github", "json", "sarif", "junit", "markdown"])
def test_a_single_broken_spec_is_in_the_result_too(cli, folder, output):
    result = cli("check", "broken.yaml", "--format", output)

    assert (result.exit_code, result.stderr) == (2, "")
    assert "unknown layer" in result.stdout


def test_a_missing_spec_is_in_the_result_too(cli, folder):
    shown = cli("check", "none.yaml", "--format", "github").stdout

    assert shown.startswith("::error file=none.yaml,title=lrbound%3A The spec cannot be read (LRB110)::")


def test_the_summary_of_a_job_is_added_to(cli, folder, monkeypatch):
    summary = folder / "summary.md"
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    shown = cli("check", ".", "--format", "markdown").stdout
    cli("check", "good.yaml")

    assert summary.read_text().startswith(f"before\n{shown}")
    assert summary.read_text().count("### Learning rates") == 2


def test_a_broken_spec_is_in_the_summary_too(cli, folder, monkeypatch):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(folder / "summary.md"))
    result = cli("check", "broken.yaml")

    assert (result.exit_code, result.stdout) == (2, "")
    assert "* `broken.yaml:5:5` **error** LRB110: unknown layer 'foo'" in (folder / "summary.md").read_text()


def test_a_summary_that_cannot_be_written_changes_no_result(cli, folder, monkeypatch):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(folder))
    result = cli("check", "good.yaml")

    assert result.exit_code == 0
    assert result.stderr == "note: GITHUB_STEP_SUMMARY cannot be written: Is a directory\n"


def test_the_action_checks_its_specs(folder, request):
    """Its second step runs as GitHub would run it, with lrbound as it is here."""
    action = yaml.safe_load((request.config.rootpath / "action.yml").read_text())
    (install, check) = action["runs"]["steps"]
    tools = folder / "tools"
    tools.mkdir()
    (tools / "lrbound").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m lrbound "$@"\n')
    (tools / "lrbound").chmod(0o755)

    def run(**inputs):
        given = {name: inputs.get(name, one["default"]) for name, one in action["inputs"].items()}
        said = {name: given[value.split(".")[1].split()[0]] for name, value in check["env"].items()}
        environment = {
            **os.environ,
            "PATH": f"{tools}:{os.environ['PATH']}",
            "PYTHONPATH": str(request.config.rootpath),
            "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
        }
        return subprocess.run(
            ["bash", "-eo", "pipefail", "-c", check["run"]],
            capture_output=True, text=True, check=False, timeout=120, env={**environment, **said},
        )  # fmt: skip

    assert "$GITHUB_ACTION_PATH" in install["run"]
    assert run(specs="good.yaml\nrateless.yml").returncode == 0
    assert (folder / "summary.md").read_text().count("### Learning rates") == 1
    failed = run(specs="*.yaml high.yaml", args="--lr 60", sarif="out.sarif")
    assert failed.returncode == 2
    assert "::error file=high.yaml,line=5,col=45,title=lrbound%3A The learning rate is too high::" in failed.stdout
    assert of_sarif((folder / "out.sarif").read_text()) >= {("broken.yaml", 5, 5)}
