"""Defaults from lrbound.toml and pyproject.toml."""

from __future__ import annotations

import json

import pytest

from lrbound.cli._config import config
from tests.cli.specs import stated


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return the current folder, the root of a repository with a spec."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "good.yaml").write_text(stated(0.001))
    (tmp_path / "free.yaml").write_text(
        "version: 1\ninput: {shape: [30]}\nlayers: [{linear: 300}, relu, {linear: 10}]\n"
    )
    monkeypatch.chdir(tmp_path)
    config.cache_clear()
    yield tmp_path
    config.cache_clear()


def assumed(cli, *arguments):
    result = cli("predict", *arguments, "--format", "json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)["assumptions"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("lrbound.toml", 'loss = "mse"\noptimizer = {name = "sgd", momentum = 0.5}\n'),
        ("pyproject.toml", '[tool.lrbound]\nloss = "mse"\noptimizer = {name = "sgd", momentum = 0.5}\n'),
    ],
)
def test_a_default_holds_where_neither_spec_nor_option_says_otherwise(cli, folder, name, text):
    (folder / name).write_text(text)

    assert (assumed(cli, "free.yaml")["loss"], assumed(cli, "free.yaml")["momentum"]) == ("mse", 0.5)
    assert (assumed(cli, "good.yaml")["loss"], assumed(cli, "good.yaml")["momentum"]) == ("mse", 0.9)
    assert assumed(cli, "free.yaml", "--loss", "cross_entropy")["loss"] == "cross_entropy"


def test_the_nearest_file_counts_and_none_above_the_repository(cli, folder, monkeypatch):
    (folder / "lrbound.toml").write_text('loss = "mse"\n')
    inner = folder / "inner"
    inner.mkdir()
    (inner / "pyproject.toml").write_text("[project]\nname = 'a'  # tool.lrbound is not here\n")
    monkeypatch.chdir(inner)
    assert assumed(cli, "../free.yaml")["loss"] == "mse"

    (inner / ".git").mkdir()
    config.cache_clear()
    assert assumed(cli, "../free.yaml")["loss"] == "half_squared_error"


def test_the_level_and_the_ignored_codes_are_defaults_too(cli, folder):
    few = stated(0.001).replace("batch_size: 64", "batch_size: 5")
    (folder / "few.yaml").write_text(few)
    (folder / "lrbound.toml").write_text('fail-above = 0.0005\nignore = ["LRB012"]\n')

    assert cli("check", "few.yaml").exit_code == 1
    assert cli("check", "few.yaml", "--fail-above", "0.1").exit_code == 0
    assert "LRB012" not in cli("check", "few.yaml").stderr
    assert "LRB012" in cli("check", "few.yaml", "--ignore", "LRB001").stderr


def test_verbose_says_where_a_default_comes_from(cli, folder):
    (folder / "pyproject.toml").write_text('[tool.lrbound]\nloss = "mse"\n')

    said = cli("check", "good.yaml", "-v").stderr
    assert said.startswith(
        'default: loss = "mse" unless the spec or an option says otherwise (pyproject.toml: tool.lrbound.loss)\n'
    )
    assert "default:" not in cli("check", "good.yaml").stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('los = "mse"', "pyproject.toml: tool.lrbound.los: unknown key; did you mean loss?"),
        ("loss = 3", "pyproject.toml: tool.lrbound.loss: must be a text, such as"),
        ('loss = "huber9"', "pyproject.toml: tool.lrbound.loss: unknown loss 'huber9'"),
        ('optimizer = {name = "sgd", momentun = 0.9}', "pyproject.toml: tool.lrbound.optimizer: sgd: unknown argument 'momentun'; did you mean 'momentum'?"),
        ("fail-above = -1", "pyproject.toml: tool.lrbound.fail-above: must be "),
        ("fail-above = true", "pyproject.toml: tool.lrbound.fail-above: must be "),
        ('ignore = ["LRB999"]', "pyproject.toml: tool.lrbound.ignore: must be a list of codes"),
        ("loss = ", "pyproject.toml:2:8: not valid TOML: "),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_file_and_key(cli, folder, text, said):
    (folder / "pyproject.toml").write_text(f"[tool.lrbound]\n{text}\n")
    result = cli("check", "free.yaml", "--lr", "0.1")

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(said)


def test_all_errors_are_told_at_once(cli, folder):
    (folder / "lrbound.toml").write_text("loss = 1\nlevel = 2\n")

    assert [line.partition(": ")[2].partition(":")[0] for line in cli("check", "free.yaml").stderr.splitlines()] == [
        "loss",
        "level",
    ]
