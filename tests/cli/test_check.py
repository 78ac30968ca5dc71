from __future__ import annotations

import json
from dataclasses import replace

import pytest

from lrbound.notices import Notice


def test_a_rate_at_the_maximum_is_ok(cli, core):
    result = cli("check", "a.yaml", "--lr", "0.02")

    assert result.exit_code == 0
    assert result.stdout.startswith("warning: learning rate 0.02 is within the largest stable rate 0.02 (1 times; ")
    assert core.calls == [("load", "a.yaml", []), ("predict", "mean-field", "through")]


def test_a_rate_above_it_fails(cli, core):
    result = cli("check", "a.yaml", "--lr", "0.0201")

    assert result.exit_code == 1
    assert result.stdout.startswith("too high: learning rate 0.0201 is above the largest stable rate 0.02 ")


@pytest.mark.parametrize(("rate", "status"), [(0.01, 0), (0.03, 1)])
def test_without_lr_the_rate_of_the_spec_is_checked(cli, core, rate, status):
    core.learning_rate = rate

    assert cli("check", "a.yaml").exit_code == status


def test_lr_wins_over_the_spec(cli, core):
    core.learning_rate = 0.03

    assert cli("check", "a.yaml", "--lr", "0.01").exit_code == 0


def test_without_any_rate_there_is_nothing_to_check(cli, core):
    result = cli("check", "a.yaml")

    assert (result.exit_code, "skipped" in result.stdout) == (0, True)
    assert result.stderr == (
        "warning[LRB112]: skipped, no learning rate: give --lr or training.optimizer.learning_rate\n"
        "lrbound explain LRB112\n"
    )
    assert cli("check", "a.yaml", "--strict").exit_code == 1


def test_without_a_known_maximum_nothing_can_be_said(cli, core, prediction):
    core.prediction = replace(
        prediction, max_learning_rate=None, warnings=(Notice("LRB006", "max_learning_rate is null: adam"),)
    )
    result = cli("check", "a.yaml", "--lr", "0.1")
    shown = json.loads(cli("check", "a.yaml", "--lr", "0.1", "--format", "json").stdout)

    assert [finding["code"] for finding in shown["specs"][0]["findings"]] == ["LRB113"]
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        "error: no largest stable rate is known for this network\nLRB006 max_learning_rate is null: adam\n"
    )


@pytest.mark.parametrize(
    ("rate", "options", "status", "head"),
    [
        ("0.001", (), 0, "ok: learning rate 0.001 is within the rate of the first step 0.004; "),
        ("0.01", (), 0, "warning: learning rate 0.01 is above the rate of the first step 0.004: without warm-up "),
        ("0.01", ("--fail-above", "0.02"), 0, "warning: "),
        ("0.03", ("--fail-above", "0.02"), 1, "too high: "),
    ],
)
def test_of_an_adaptive_optimiser_the_first_step_is_known_and_nothing_more(
    cli, core, prediction, rate, options, status, head
):
    core.prediction = replace(
        prediction, max_learning_rate=None, recommended_learning_rate=0.002, first_step_learning_rate=0.004
    )
    result = cli("check", "a.yaml", "--lr", rate, *options)

    assert result.exit_code == status
    assert result.stdout.replace("\n", " ").startswith(head)
    found = json.loads(cli("check", "a.yaml", "--lr", rate, *options, "--format", "json").stdout)
    assert (found["max_learning_rate"], found["ratio"]) == (None, None)


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "fast", ""])
def test_lr_is_a_positive_number(cli, core, text):
    result = cli("check", "a.yaml", f"--lr={text}")

    assert (result.exit_code, result.stdout, core.calls) == (2, "", [])
    assert f"Invalid value for '--lr': must be a positive number, got {text!r}\n" in result.stderr


def test_json_is_that_of_the_interface(cli, core, prediction):
    result = cli("check", "a.yaml", "--lr", "0.03", "--format", "json")

    assert result.exit_code == 1
    assert json.loads(result.stdout) == {
        "schema_version": 2,
        "ok": False,
        "learning_rate": 0.03,
        "max_learning_rate": 0.02,
        "ratio": 1.5,
        "level": "error",
        "fail_above": 0.02,
        "prediction": prediction.to_json(),
    }
    assert result.stderr == ""


def test_github_annotates_the_spec(cli, core):
    result = cli("check", "nets/a.yaml", "--lr", "0.03", "--format", "github")

    assert result.exit_code == 1
    assert result.stdout.startswith(
        "::error file=nets/a.yaml,line=4,col=31,title=lrbound%3A The learning rate is too high::tiny: "
    )
    assert result.stdout.splitlines()[1:] == [
        "::notice file=nets/a.yaml,title=lrbound%3A No interval of a full batch (LRB002)::lambda_max_interval is null: not yet"
    ]
    assert result.stderr == ""


def test_the_options_of_predict_are_there(cli, core):
    cli("check", "a.yaml", "--lr", "1", "--batch-size", "64", "--set", "name=b", "--batch-statistics", "frozen")

    assert core.calls == [
        ("load", "a.yaml", [("training.batch_size", "64"), ("name", "b")]),
        ("predict", "mean-field", "frozen"),
    ]


def test_a_maximum_of_zero_is_above_no_rate(cli, core, prediction):
    core.prediction = replace(prediction, max_learning_rate=0.0)
    result = cli("check", "a.yaml", "--lr", "1e-9", "--format", "json")

    assert result.exit_code == 1
    assert json.loads(result.stdout)["ratio"] is None


@pytest.mark.parametrize("output", ["sarif", "junit"])
def test_the_formats_of_services_have_everything_in_the_result(cli, core, output):
    result = cli("check", "nets/a.yaml", "--lr", "0.03", "--format", output)

    assert result.exit_code == 1
    assert "above the largest stable rate 0.02 " in result.stdout
    assert "lambda_max_interval is null: not yet" in result.stdout
    assert result.stderr == ""


def test_a_format_that_cannot_show_a_check_is_refused(cli, core):
    result = cli("check", "a.yaml", "--lr", "1", "--format", "csv")

    assert (result.exit_code, result.stdout, core.calls) == (2, "", [])
    assert (
        "Invalid value for '--format': 'csv' is not one of 'text', 'json', 'github', 'junit', 'markdown', 'sarif'"
        in result.stderr
    )


@pytest.mark.parametrize(
    ("rate", "level", "status", "named"),
    [
        ("0.005", "max", 0, "ok"),
        ("0.0051", "max", 0, "warning"),
        ("0.0201", "max", 1, "error"),
        ("0.0237", "curvature", 0, "warning"),
        ("0.0238", "curvature", 1, "error"),
        ("0.01", "0.01", 0, "warning"),
        ("0.0101", "0.01", 1, "error"),
    ],
)
def test_a_rate_warns_above_the_recommended_one_and_fails_above_the_level(cli, core, rate, level, status, named):
    result = cli("check", "a.yaml", "--lr", rate, "--fail-above", level, "--format", "json")

    assert result.exit_code == status
    assert json.loads(result.stdout)["level"] == named


def test_a_level_that_is_neither_a_name_nor_a_rate_is_refused(cli, core):
    result = cli("check", "a.yaml", "--lr", "0.1", "--fail-above", "high")

    assert (result.exit_code, result.stdout, core.calls) == (2, "", [])
    assert "Invalid value for '--fail-above': must be a positive number, got 'high'\n" in result.stderr
