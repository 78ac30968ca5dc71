"""What is said beside a result, and what of it counts."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from lrbound.notices import Notice, codes

OFF = Notice("LRB012", "batch statistics over 5 samples", "layers.1")
NULL = Notice("LRB002", "lambda_max_interval is null")


@pytest.fixture
def noticed(core, prediction):
    core.prediction = replace(prediction, warnings=(OFF, NULL))


def test_a_notice_has_its_severity_code_and_layer(cli, noticed):
    assert cli("predict", "a.yaml").stderr.splitlines() == [
        "warning[LRB012]: batch statistics over 5 samples (layers.1)",
        "note[LRB002]: lambda_max_interval is null",
        "lrbound explain LRB012 LRB002",
    ]


def test_quiet_says_none(cli, noticed):
    assert cli("predict", "a.yaml", "-q").stderr == ""


def test_verbose_explains_each(cli, noticed):
    said = cli("predict", "a.yaml", "-v").stderr

    assert "    A larger batch, or a normaliser that does not average over the batch" in said
    assert "lrbound explain" not in said


@pytest.mark.parametrize("given", [["LRB012,LRB002"], ["lrb012", "LRB002"]])
def test_ignored_codes_are_nowhere(cli, noticed, given):
    options = [word for code in given for word in ("--ignore", code)]

    assert cli("predict", "a.yaml", *options).stderr == ""
    assert json.loads(cli("predict", "a.yaml", *options, "--format", "json").stdout)["warnings"] == []


def test_a_code_that_is_none_is_refused(cli, core):
    result = cli("predict", "a.yaml", "--ignore", "LRB999")

    assert (result.exit_code, core.calls) == (2, [])
    assert "there is no code 'LRB999'; lrbound explain lists all" in result.stderr


@pytest.mark.parametrize(("ignored", "status"), [("LRB002", 1), ("LRB012", 0)])
def test_strict_fails_for_a_warning_and_not_for_a_note(cli, noticed, ignored, status):
    assert cli("predict", "a.yaml", "--strict", "--ignore", ignored).exit_code == status
    assert cli("check", "a.yaml", "--lr", "0.001", "--strict", "--ignore", ignored).exit_code == status
    assert cli("check", "a.yaml", "--lr", "0.001").exit_code == 0


def test_a_rate_above_the_recommended_one_can_be_ignored_and_one_that_is_too_high_cannot(cli, noticed):
    ignored = ("--ignore", "LRB012,LRB100,LRB101", "--strict")

    assert cli("check", "a.yaml", "--lr", "0.01", "--strict", "--ignore", "LRB012").exit_code == 1
    assert cli("check", "a.yaml", "--lr", "0.01", *ignored).exit_code == 0
    assert cli("check", "a.yaml", "--lr", "0.01", *ignored).stdout.startswith("ok: ")
    assert cli("check", "a.yaml", "--lr", "0.03", *ignored).exit_code == 1


@pytest.mark.parametrize("output", ["text", "json", "junit", "sarif", "github", "markdown"])
def test_a_spec_without_a_rate_can_be_ignored(cli, noticed, output):
    result = cli("check", "a.yaml", "--strict", "--ignore", "LRB112", "--format", output)

    assert (result.exit_code, result.stderr) == (0, "")
    assert "LRB112" not in result.stdout


def test_explain_prints_pages_and_lists_all(cli):
    listed = cli("explain").stdout.splitlines()

    assert [line.split()[0] for line in listed] == list(codes())
    page = cli("explain", "lrb012", "LRB002").stdout
    assert page.startswith("LRB012 (warning): Batch statistics over few samples\n\nBelow 7 samples")
    assert "\n\nLRB002 (info): No interval of a full batch\n\n" in page


def test_explain_knows_no_other_code(cli):
    result = cli("explain", "LRB999")

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "error: there is no code 'LRB999'; lrbound explain lists all\n"
