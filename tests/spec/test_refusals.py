"""Every refusal with its whole text: the table in refusals.txt, and inputs that a text file cannot hold."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lrbound.spec import SpecError, parse

SPEC = "version: 1\ninput: {shape: [8]}\nlayers:\n"
TABLE = (Path(__file__).parent / "refusals.txt").read_text(encoding="utf-8")
CASES = re.findall(r"^=== (\w+)\n(.*?)^--->\n(.*?)\n(?=^===|\Z)", TABLE, re.MULTILINE | re.DOTALL)

BOMB = "a0: &a0 [x, x]\n" + "".join(f"a{i + 1}: &a{i + 1} [{','.join([f'*a{i}'] * 9)}]\n" for i in range(30))


def refusal(text: str) -> str:
    """Return the whole text of the refusal of a spec."""
    with pytest.raises(SpecError) as caught:
        parse(text, source="a.yaml")
    return str(caught.value)


def test_table_is_read_whole() -> None:
    """No case of the table is lost between its separators."""
    assert len(CASES) == TABLE.count("\n=== ") + 1 == TABLE.count("--->\n") > 70


@pytest.mark.parametrize(("text", "expected"), [pytest.param(t, e, id=name) for name, t, e in CASES])
def test_refusal(text: str, expected: str) -> None:
    """The message names place, value, what would be right, and shows the line."""
    assert refusal(text) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a\0b", "a.yaml:1:8: the character U+0000 is not allowed in YAML\n   | name: a?b\n   |        ^"),
        ("a\x1b[31m", "a.yaml:1:8: the character U+001B is not allowed in YAML\n   | name: a?[31m\n   |        ^"),
        ("\ud800", "a.yaml:1:7: the character U+D800 is not allowed in YAML\n   | name: ?\n   |       ^"),
        ("a\ufeff", "a.yaml:1:8: the character U+FEFF is not allowed in YAML\n   | name: a?\n   |        ^"),
    ],
)
def test_forbidden_characters(name: str, expected: str) -> None:
    """Characters that YAML excludes are named, and never printed."""
    assert refusal(f"name: {name}\n{SPEC}") == expected


def test_syntax_error_has_its_place() -> None:
    """YAML's own message keeps its line and column."""
    assert refusal("version: 1\nname: a: b\n").splitlines()[0].startswith("a.yaml:2:8: not valid YAML: mapping values")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[" * 200_000, "a.yaml:1:101: nested more than 100 levels deep"),
        ("{a: " * 200_000, "a.yaml:1:401: nested more than 100 levels deep"),
        ("".join("  " * i + "-\n" for i in range(1, 400)), "a.yaml:101:203: nested more than 100 levels deep"),
        (f"- &a {'[' * 60}{']' * 60}\n- {'[' * 60}*a\n", "a.yaml:2:63: nested more than 100 levels deep"),
        (BOMB, "a.yaml:6:22: too large: more than 100000 values, aliases written out"),
        ("[" + "x," * 150_000 + "]", "a.yaml:1:200000: too large: more than 100000 values, aliases written out"),
        ("x" * 1_000_001, "a.yaml: larger than 1000000 characters; a spec is a small text"),
    ],
)
def test_hostile_size(text: str, expected: str) -> None:
    """Depth and size are bounded where they are reached, before they cost time or memory."""
    assert refusal(text)[: len(expected)] == expected


def test_huge_integer_is_abbreviated() -> None:
    """An integer of thousands of digits, which int() refuses, is a number out of bounds like any other."""
    first = refusal(f"{SPEC}  - linear: {'9' * 5000}\n").splitlines()[0]
    assert first.endswith("got 999999999999... (5000 characters)")


def test_repeats_are_counted_without_unrolling() -> None:
    """10^27 layers are refused by arithmetic alone, at the innermost ``times`` and above."""
    item = "relu"
    for _ in range(3):
        item = f"{{repeat: {{times: 1000000000, layers: [{item}]}}}}"
    messages = [line for line in refusal(f"{SPEC}  - {item}\n").splitlines() if line.startswith("a.yaml")]
    expected = "repeat: 1000000000 times 1 is 1000000000 layers; at most 100000 are allowed"
    assert messages == [f"a.yaml:4:{column}: {expected}" for column in (22, 60, 98)]


def test_only_fifty_are_shown() -> None:
    """A file of errors does not flood the terminal; all of them are in the exception."""
    with pytest.raises(SpecError) as caught:
        parse(SPEC + "  - rleu\n" * 60)
    assert len(caught.value.diagnostics) == 60
    assert str(caught.value).splitlines()[-1] == "... and 10 more"
    assert str(caught.value).count("unknown layer") == 50


def test_shared_block_is_reported_once() -> None:
    """A block that an alias repeats has one place in the text, so one message."""
    text = refusal(f"{SPEC}  - &a {{linear: -1}}\n  - *a\n")
    assert text.count("linear: 'features' must be") == 1


def test_long_line_is_cut_around_the_caret() -> None:
    """The caret stays under the value and no line is wider than about a hundred columns."""
    _, line, caret = refusal(f"{SPEC}  - linear: {{bias: true, {'  ' * 200}features: -7{' ' * 200}}}\n").splitlines()
    assert line[caret.index("^") :].startswith("-7")
    assert len(line) < 120
