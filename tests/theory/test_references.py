"""References to the theory lead to files and sections that a clone has."""

from __future__ import annotations

import io
import re
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
THEORY = ROOT / "lrbound" / "theory"
SOURCES = sorted(
    p for top in ("lrbound", "tests", "examples") for p in (ROOT / top).rglob("*.py") if p != Path(__file__)
)
DOCUMENTS = sorted(THEORY.glob("*.md"))
FILE = r"lrbound/theory/[\w-]+\.md"
NUMBERS = r"\d+(?:(?:,| and| to|, and) \d+)*"
REFERENCE = re.compile(rf"({FILE})(?:, sections? ({NUMBERS}))?")
LINK = re.compile(rf"\[[^\]]*\]\(([\w-]+\.md)\)(?:, sections? ({NUMBERS}))?")
DANGLING = re.compile(r"\b[Ss]ections? \d|\btheory(?:-\w+)+\b|\btheory of the \w+,|\binterface(?:\.md)?, section")
PATH = re.compile(r"`((?:lrbound|tests|examples)/[\w./-]+)`")


def prose(path):
    """Return the comments and strings of a module, one a line of text, wrapped lines joined."""
    pieces, kinds = [], (tokenize.COMMENT, tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING))
    for token in tokenize.generate_tokens(io.StringIO(path.read_text()).readline):
        if token.type in kinds:
            joined = token.type == tokenize.COMMENT and pieces and pieces[-1][0] == tokenize.COMMENT
            text = token.string.lstrip("# ") if token.type == tokenize.COMMENT else token.string
            if joined:
                pieces[-1] = (token.type, f"{pieces[-1][1]} {text}")
            else:
                pieces.append((token.type, text))
    return "\n".join(re.sub(r"\s+", " ", text) for _, text in pieces)


def sections(document):
    return {int(number) for number in re.findall(r"^## (\d+)\. \S", document.read_text(), re.MULTILINE)}


def missing(file, numbers):
    """Say what a reference to sections of a file lacks."""
    if not file.is_file():
        return [f"{file.name} does not exist"]
    ends = [int(n) for n in re.findall(r"\d+", numbers or "")]
    if " to " in (numbers or ""):
        ends = list(range(ends[0], ends[-1] + 1))
    return [f"{file.name} has no section {n}" for n in ends if n not in sections(file)]


def faults(text):
    """Say what is wrong with the references in the prose of a module."""
    wrong = [fault for file, numbers in REFERENCE.findall(text) for fault in missing(ROOT / file, numbers)]
    rest = REFERENCE.sub("", text)
    return wrong + [f"leads nowhere: ...{rest[max(m.start() - 50, 0) : m.end() + 10]}" for m in DANGLING.finditer(rest)]


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_reference_of_a_module_leads_to_a_section(path):
    assert faults(prose(path)) == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: p.name)
def test_every_reference_between_the_theory_files_leads_to_a_section(path):
    text = re.sub(r"\s+", " ", path.read_text())
    linked = [fault for file, numbers in LINK.findall(text) for fault in missing(THEORY / file, numbers)]
    own = [
        int(n)
        for numbers in re.findall(rf"\bsections? ({NUMBERS})", LINK.sub("", text))
        for n in re.findall(r"\d+", numbers)
    ]

    assert linked == []
    assert set(own) - sections(path) == set()
    assert [name for name in PATH.findall(text) if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("path", [p for p in DOCUMENTS if p.stem not in ("README", "glossary")], ids=lambda p: p.name)
def test_every_section_of_the_theory_says_its_status(path):
    parts = re.split(r"^## ", path.read_text(), flags=re.MULTILINE)[1:]

    assert [part.splitlines()[0] for part in parts if "**Status**: " not in part] == []
    assert sections(path) == set(range(1, len(parts) + 1))


@pytest.mark.parametrize(
    "text",
    [
        "Derived (section 4).",
        "See theory-finite, there.",
        "See the theory of the normalisers, section 2.",
        "The object (interface, section 3).",
        "See lrbound/theory/finite.md, section 99.",
        "See lrbound/theory/finite.md, sections 1 and 99.",
        "See lrbound/theory/finite.md, sections 3 to 40.",
        "See lrbound/theory/nowhere.md.",
    ],
)
def test_a_dangling_reference_is_a_fault(text):
    assert faults(text)


def test_a_reference_that_leads_somewhere_is_none():
    assert faults("See lrbound/theory/finite.md, sections 1 to 3, and lrbound/theory/glossary.md.") == []


def test_the_glossary_has_each_symbol_and_term_once():
    rows = re.findall(r"^\| ([^|]+?) \|", (THEORY / "glossary.md").read_text(), re.MULTILINE)
    names = [name for name in rows if not name.startswith("---") and name not in ("symbol", "term")]

    assert len(names) > 70
    assert sorted(names) == sorted(set(names))
