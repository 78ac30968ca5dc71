from __future__ import annotations

import json

import pytest

from lrbound.errors import Refused

DEFAULTS = [("load", "a.yaml", []), ("predict", "mean-field", "through")]


def test_asks_the_core_with_the_defaults(cli, core):
    result = cli("predict", "a.yaml")

    assert result.exit_code == 0
    assert core.calls == DEFAULTS


def test_options_reach_the_core(cli, core):
    cli("predict", "-", "--method", "wei2019", "--batch-statistics", "frozen")

    assert core.calls == [("load", "-", []), ("predict", "wei2019", "frozen")]


def test_shorthands_are_overrides_and_set_comes_last(cli, core):
    cli(
        "predict", "--set", "layers.*.batch_norm.gamma=0.5", "--set", "name=a=b", "a.yaml",
        "--batch-size", "full", "--momentum", "0.5", "--loss", "mse",
    )  # fmt: skip

    assert core.calls[0] == (
        "load",
        "a.yaml",
        [
            ("training.batch_size", "full"),
            ("training.optimizer.momentum", "0.5"),
            ("training.loss", "mse"),
            ("layers.*.batch_norm.gamma", "0.5"),
            ("name", "a=b"),
        ],
    )


def test_text_has_the_result_on_stdout_and_warnings_on_stderr(cli, core):
    result = cli("predict", "a.yaml")

    assert "max learning rate          0.02 " in result.stdout
    assert result.stderr == "note[LRB002]: lambda_max_interval is null: not yet\nlrbound explain LRB002\n"


def test_json_has_everything_on_stdout(cli, core, prediction):
    result = cli("predict", "a.yaml", "--format", "json")

    assert json.loads(result.stdout) == prediction.to_json()
    assert result.stderr == ""


def test_a_bad_spec_is_shown_as_the_parser_rendered_it(cli, core):
    text = "a.yaml:3:5: unknown layer 'batchnorm'; did you mean 'batch_norm'?\n   |   - batchnorm"
    core.error = core.SpecError(text)
    result = cli("predict", "a.yaml")

    assert (result.exit_code, result.stdout, result.stderr) == (2, "", text + "\n")


def test_a_missing_file_is_one_line(cli, core):
    core.error = FileNotFoundError(2, "No such file or directory", "a.yaml")
    result = cli("predict", "a.yaml")

    assert (result.exit_code, result.stdout, result.stderr) == (2, "", "a.yaml: No such file or directory\n")


def test_a_binary_file_is_one_line(cli, core):
    core.error = UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte")
    result = cli("predict", "a.yaml")

    assert (result.exit_code, result.stderr) == (2, "a.yaml: not a text file in UTF-8\n")


def test_a_refusal_is_its_sentence(cli, core):
    core.refusal = Refused("--method wei2019 knows squared errors only")
    result = cli("predict", "a.yaml")

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "error: --method wei2019 knows squared errors only\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Missing argument 'SPEC'"),
        (["a.yaml", "--set", "gamma"], "Invalid value for '--set': 'gamma' is not PATH=VALUE, such as"),
        (["a.yaml", "--set", "=1"], "Invalid value for '--set': '=1' is not PATH=VALUE, such as"),
        (["a.yaml", "--format", "xml"], "Invalid value for '--format': 'xml' is not one of 'text', 'json'"),
        (["a.yaml", "--format", "github"], "Invalid value for '--format': 'github' is not one of 'text', 'json'"),
        (["a.yaml", "--method", "wei"], "Invalid value for '--method': 'wei' is not one of 'mean-field', 'wei2019'"),
        (["a.yaml", "-j", "0"], "Invalid value for '--jobs': must be a number from 1 to 256, got '0'"),
        (["a.yaml", "--batchsize", "3"], "No such option: --batchsize"),
    ],
)
def test_wrong_usage_has_status_2_and_nothing_on_stdout(cli, core, arguments, message):
    result = cli("predict", *arguments)

    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr
    assert core.calls == []
