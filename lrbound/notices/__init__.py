"""What there is to say beside the numbers: a code, a short sentence, and a page that explains it.

Each kind of notice is one file in this folder, ``LRB012.md``: a title, a severity, and what is known. The code that finds a
reason makes a :class:`Notice` with what is particular to the network; measured numbers and remedies are on the page, which
``lrbound explain LRB012`` prints. A page is read where somebody asks for it, so that pages cost nothing at start-up.

Codes are stable: one that is no longer used is not given to anything else.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Literal, NamedTuple, cast, get_args

Severity = Literal["info", "warning", "error"]
"""``info`` says why a number is missing or what one stands for, ``warning`` that one may be off, ``error`` that a check fails."""

LONGEST = 100
"""Characters that a message has at most."""
FOLDER = os.path.dirname(__file__)


class Page(NamedTuple):
    """What is known of a kind of notice.

    Attributes
    ----------
    code : str
    severity : {"info", "warning", "error"}
    title : str
    text : str
        In Markdown, without the title.
    """

    code: str
    severity: Severity
    title: str
    text: str


@dataclass(frozen=True)
class Notice:
    """One thing to know about a result.

    Attributes
    ----------
    code : str
        Of its page.
    message : str
        What is particular here, in at most ``LONGEST`` characters.
    path : str or None
        The layer that it is about, as :class:`~lrbound.prediction.LayerReport` has it.
    where : str
        The network or the point of a sweep that it is about, where there are several.
    """

    code: str
    message: str
    path: str | None = None
    where: str = ""

    @property
    def severity(self) -> Severity:
        """How bad it is."""
        return page(self.code).severity

    def at(self, path: str) -> Notice:
        """Return the notice with the layer that it is about; the first one that is said stays."""
        return self if self.path is not None else replace(self, path=path)

    def within(self, where: str) -> Notice:
        """Return the notice with the network or point that it is about."""
        return replace(self, where=where)

    def to_json(self) -> dict[str, Any]:
        """Return the object that stands under ``warnings``; ``where`` only among results of several."""
        found = {"code": self.code, "severity": self.severity, "message": self.message, "path": self.path}
        return found | ({"where": self.where} if self.where else {})

    @property
    def text(self) -> str:
        """The message with where it belongs."""
        start, end = f"{self.where}: " if self.where else "", "" if self.path is None else f" ({self.path})"
        return f"{start}{self.message}{end}"

    def __str__(self) -> str:
        return f"{self.code} {self.text}"


class Notices:
    """Notices, each once, in the order in which they come up; of those that differ in their layer alone the first one stays."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], Notice] = {}

    def say(self, *notices: Notice | None) -> None:
        """Add notices; None is none."""
        for notice in notices:
            if notice is not None:
                self._found.setdefault((notice.code, notice.message), notice)

    def all(self) -> tuple[Notice, ...]:
        """Return them."""
        return tuple(self._found.values())


def short(text: str) -> str:
    """Return a sentence from elsewhere, without its end where it is longer than a message."""
    text = " ".join(text.split())
    return text if len(text) <= LONGEST else text[: LONGEST - 4].rsplit(" ", 1)[0] + " ..."


def codes() -> tuple[str, ...]:
    """Return all codes."""
    return tuple(sorted(name.removesuffix(".md") for name in os.listdir(FOLDER) if name.endswith(".md")))


@cache
def page(code: str) -> Page:
    """Return the page of a code; KeyError where there is none."""
    try:
        with open(os.path.join(FOLDER, f"{code}.md"), encoding="utf-8") as file:
            text = file.read()
    except OSError:
        raise KeyError(code) from None
    title, severity, rest = (part.strip() for part in text.split("\n\n", 2))
    level = severity.removeprefix("Severity: ")
    assert title.startswith("# "), code
    assert level in get_args(Severity), code
    return Page(code, cast("Severity", level), title.removeprefix("# "), rest)
