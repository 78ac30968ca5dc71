from __future__ import annotations

import importlib
import io
import re
import sys

import pytest

import lrbound
from lrbound.cli.app import HELPERS, build, run, summary, verbs
from lrbound.cli.exit import ExitCode


def test_version(cli):
    for option in ("--version", "-V"):
        result = cli(option)

        assert (result.exit_code, result.stdout) == (0, f"lrbound {lrbound.__version__}\n")


def test_help_lists_every_verb_with_its_line(cli):
    result = cli("--help")

    assert result.exit_code == 0
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert "predict Print the largest learning rate that training survives." in lines
    assert "check Check learning rates; exit status 1 if one is too high." in lines
    assert "--install-completion" in result.stdout
    assert "Exit status: 0 ok, 1 a check failed, 2 bad spec, usage or file, 3 internal" in result.stdout


@pytest.mark.parametrize("verb", verbs())
def test_every_verb_has_a_command_with_help_and_an_example(verb, cli):
    result = cli(verb, "-h")
    example = re.search(rf"Example: lrbound {verb} (.*)\n", result.stdout)

    assert result.exit_code == 0
    assert example is not None
    assert all(f"{word}" in result.stdout.replace(example[0], "") for word in example[1].split() if word[0] == "-")


@pytest.mark.parametrize("verb", verbs())
def test_the_list_of_verbs_says_what_their_own_help_says(verb):
    assert summary(verb) == build(verb).get_short_help_str()


def test_the_lines_of_the_help_are_whole_sentences(cli):
    listed = cli("-h").stdout.partition("Commands:\n")[2].partition("\n\n")[0].splitlines()

    assert len(listed) == len(verbs())
    assert all(line.endswith(".") and not line.endswith("...") for line in listed)
    assert max(map(len, listed)) < 80


@pytest.mark.parametrize("name", sorted(HELPERS))
def test_helpers_are_modules_and_no_verbs(name):
    assert not hasattr(importlib.import_module(f"lrbound.cli.{name}"), "command")


def test_an_unknown_command_names_the_nearest(cli):
    result = cli("pedict", "a.yaml")

    assert result.exit_code == 2
    assert result.stderr.endswith("Error: unknown command 'pedict'; did you mean 'predict'?\n")


def test_an_unknown_command_that_is_near_to_nothing(cli):
    assert cli("zzz").stderr.endswith("Error: unknown command 'zzz'\n")


def test_a_helper_is_no_command(cli):
    assert cli("options").exit_code == 2


def test_without_arguments_the_help_is_shown(cli):
    result = cli()

    assert result.exit_code == 2
    assert "Usage: lrbound" in result.output


def test_what_nobody_expected_is_one_line(core, capsys):
    core.error = ZeroDivisionError("division\nby zero")

    assert run(["predict", "a.yaml"]) == ExitCode.INTERNAL_ERROR
    assert capsys.readouterr() == (
        "",
        (
            "internal error: ZeroDivisionError: division by zero; please report it with the spec "
            "(LRBOUND_DEBUG=1 shows where)\n"
        ),
    )


def test_for_debugging_it_is_raised(core, monkeypatch):
    core.error = ZeroDivisionError("division by zero")
    monkeypatch.setenv("LRBOUND_DEBUG", "1")

    with pytest.raises(ZeroDivisionError):
        run(["predict", "a.yaml"])


def test_an_interrupt_is_130(core, capsys):
    core.error = KeyboardInterrupt()

    assert run(["predict", "a.yaml"]) == ExitCode.INTERRUPTED
    assert capsys.readouterr() == ("", "")


class Gone(io.StringIO):
    """A stdout whose reader has gone away."""

    def __init__(self, error: OSError) -> None:
        super().__init__()
        self.error = error

    def write(self, text: str) -> int:
        raise self.error


@pytest.mark.parametrize(("rate", "status"), [("0.01", 0), ("1", 1)])
def test_a_reader_that_went_away_changes_no_status(core, monkeypatch, capsys, rate, status):
    monkeypatch.setattr(sys, "stdout", Gone(BrokenPipeError(32, "Broken pipe")))

    assert run(["check", "a.yaml", "--lr", rate]) == status


def test_a_full_disk_is_said(core, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdout", Gone(OSError(28, "No space left on device")))

    assert run(["check", "a.yaml", "--lr", "0.01"]) == ExitCode.BAD_INPUT
    assert capsys.readouterr().err.endswith("error: cannot write the result: No space left on device\n")


class Screen(io.StringIO):
    """A stdout that takes itself for a terminal."""

    def __init__(self, encoding: str = "utf-8") -> None:
        super().__init__()
        self._encoding = encoding

    @property
    def encoding(self) -> str:
        return self._encoding

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        return 1


@pytest.mark.parametrize(
    ("environment", "coloured"),
    [({"TERM": "xterm"}, True), ({"TERM": "xterm", "NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)],
)
def test_colour_on_a_terminal_only_where_it_is_wanted(core, monkeypatch, environment, coloured):
    screen = Screen()
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("os.get_terminal_size", lambda _: __import__("os").terminal_size((90, 30)))
    monkeypatch.setattr(sys, "stdout", screen)

    assert run(["predict", "a.yaml"]) == ExitCode.OK
    assert ("\x1b[" in screen.getvalue()) is coloured


def test_an_encoding_without_boxes_gets_ascii(core, monkeypatch, prediction):
    from dataclasses import replace

    core.prediction = replace(prediction, name="größer")
    screen = Screen("ascii")
    monkeypatch.setattr(screen, "isatty", lambda: False)
    monkeypatch.setattr(sys, "stdout", screen)

    assert run(["predict", "a.yaml"]) == ExitCode.OK
    assert screen.getvalue().isascii()
    assert "\ngr\\xf6\\xdfer (mean-field)\n" in screen.getvalue()
