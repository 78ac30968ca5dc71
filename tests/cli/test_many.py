"""Several specs at once: names, patterns, folders, processes."""

from __future__ import annotations

import json

import pytest
import yaml

from tests.cli.specs import BROKEN, stated, write_all


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return the current folder, with specs of every kind."""
    write_all(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def outcomes(result):
    """Return what became of each spec in the table of a check."""
    rows = [line.split() for line in result.stdout.splitlines()[2:]]
    return {row[0]: " ".join(row[1:3]) if row[1] == "too" else row[1] for row in rows[: rows.index([])]}


def test_each_spec_has_a_line_and_the_worst_is_the_exit_status(cli, folder):
    result = cli("check", "good.yaml", "high.yaml", "rateless.yml")

    assert outcomes(result) == {"good.yaml": "ok", "high.yaml": "too high", "rateless.yml": "skipped"}
    assert (result.exit_code, cli("check", "good.yaml", "rateless.yml").exit_code) == (1, 0)
    assert cli("check", "high.yaml", "broken.yaml").exit_code == 2
    assert "3 specs: 1 ok, 1 too high, 1 skipped" in result.stdout


def test_the_errors_of_a_broken_spec_are_told_and_the_others_are_checked(cli, folder):
    result = cli("check", "broken.yaml", "good.yaml")

    assert outcomes(result) == {"broken.yaml": "error", "good.yaml": "ok"}
    assert "broken.yaml:4:13: linear: 'features' must be a positive integer, got -4" in result.stderr
    assert "broken.yaml:5:5: unknown layer 'foo'" in result.stderr


@pytest.mark.parametrize("arguments", [["."], ["*.y*ml"], ["good.yaml", "**/*.yaml", "rateless.yml"]])
def test_folders_and_patterns_name_each_spec_once(cli, folder, arguments):
    found = outcomes(cli("check", *arguments))
    named = {"broken.yaml", "good.yaml", "high.yaml", "rateless.yml"}

    # what is no spec is left out of a folder; a pattern names what it names
    assert set(found) == named | ({"compose.yaml"} if "*" in arguments[-1] or len(arguments) > 1 else set())


def test_folders_in_folders_are_searched_but_for_hidden_ones(cli, folder):
    for name in ("nets", ".venv"):
        (folder / name / "deep").mkdir(parents=True)
        (folder / name / "deep" / "good.yaml").write_text(stated(0.001))

    assert outcomes(cli("check", "nets", "good.yaml")) == {"nets/deep/good.yaml": "ok", "good.yaml": "ok"}
    assert not any(".venv" in name for name in outcomes(cli("check", ".")))


@pytest.mark.parametrize(
    ("argument", "said"), [("no*.yaml", "no file matches no*.yaml"), ("empty", "empty has no specs")]
)
def test_an_argument_that_names_nothing_is_an_error(cli, folder, argument, said):
    (folder / "empty").mkdir()
    result = cli("check", argument)

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"error: {said}")


def test_several_processes_find_the_same(cli, folder):
    one, three = (cli("check", ".", "--format", "json", *options).stdout for options in ([], ["-j", "3"]))

    assert json.loads(one) == json.loads(three)
    assert [spec["outcome"] for spec in json.loads(one)["specs"]] == ["error", "ok", "too_high", "skipped"]


def test_predict_has_a_row_for_each_spec_and_batch_size(cli, folder):
    result = cli("predict", "good.yaml", "rateless.yml", "broken.yaml", "--batch-size", "8,32")
    rows = [line.split() for line in result.stdout.splitlines()[2:]]

    assert result.exit_code == 2
    assert [row[:2] for row in rows] == [
        ["good.yaml", "8"], ["good.yaml", "32"], ["rateless.yml", "8"], ["rateless.yml", "32"], ["broken.yaml", "-"],
    ]  # fmt: skip
    assert "broken.yaml:5:5: unknown layer 'foo'" in result.stderr


def test_predict_of_several_specs_is_a_list_in_json(cli, folder):
    result = cli("predict", "good.yaml", "broken.yaml", "--format", "json")
    found = json.loads(result.stdout)
    alone = json.loads(cli("predict", "good.yaml", "--format", "json").stdout)

    assert found["schema_version"] == 2
    assert [(one["spec"], len(one["predictions"])) for one in found["specs"]] == [("good.yaml", 1), ("broken.yaml", 0)]
    assert found["specs"][0]["predictions"] == [alone]
    assert [(one["code"], one["line"]) for one in found["specs"][1]["findings"]] == [("LRB110", 4), ("LRB110", 5)]


def test_a_notice_of_several_specs_names_its_own(cli, folder):
    (folder / "few.yaml").write_text(stated(0.0001).replace("batch_size: 64", "batch_size: 5"))

    assert "warning[LRB012]: few.yaml: batch statistics over 5 samples" in cli("check", "few.yaml", "good.yaml").stderr


def test_the_hook_takes_two_files(cli, folder, request):
    hook = yaml.safe_load((request.config.rootpath / ".pre-commit-hooks.yaml").read_text())[0]
    program, *arguments = hook["entry"].split()

    assert (program, hook["language"]) == ("lrbound", "python")
    assert cli(*arguments, "good.yaml", "rateless.yml").exit_code == 0
    assert cli(*arguments, "good.yaml", "high.yaml").exit_code == 1


def test_a_result_is_written_whole_and_over_nothing_without_being_told_to(cli, folder):
    assert cli("check", "good.yaml", "--format", "json", "-o", "out.json").stdout == ""
    again = cli("check", "good.yaml", "--format", "json", "--output", "out.json")

    assert json.loads((folder / "out.json").read_text())["ok"] is True
    assert (again.exit_code, again.stderr) == (2, "error: out.json exists; --force overwrites it\n")
    assert cli("check", "high.yaml", "--format", "json", "-o", "out.json", "--force").exit_code == 1
    assert json.loads((folder / "out.json").read_text())["ok"] is False
    assert not list(folder.glob("*.tmp"))


def test_a_template_that_is_named_instead_of_a_file_is_suggested(cli, folder):
    result = cli("predict", "resnet18")

    assert result.exit_code == 2
    assert "there is a template of this name: lrbound new resnet18 -o resnet18.yaml\n" in result.stderr


def test_a_single_broken_spec_is_told_as_ever(cli, folder):
    result = cli("check", "broken.yaml")

    assert (result.exit_code, result.stdout, result.stderr.count("broken.yaml:")) == (2, "", BROKEN.count("  - "))
