"""What is wrong with a spec, where, and how it is shown: ``file:line:column: message``, the line, a caret."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from lrbound.spec.wording import closest, printable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

SHOWN = 50
WIDTH = 100
SUGGESTIONS = 200  # finding close names is slow; no one reads more of them


class Mark(NamedTuple):
    """A place in the text, counted from 1, or the command-line option that a value came from."""

    line: int
    column: int
    option: str = ""


@dataclass(frozen=True)
class Diagnostic:
    """One thing that is wrong.

    Attributes
    ----------
    source : str
        The file as the user named it, or the option (``--set a.b=1``).
    line, column : int
        Place of the offending value, from 1; 0 where the message is about the file or an option as a whole.
    message : str
        What is wrong and what would be right, on one line.
    text : str
        The source line.
    """

    source: str
    line: int
    column: int
    message: str
    text: str = ""

    def __str__(self) -> str:
        if not self.line:
            return f"{printable(self.source)}: {self.message}"
        text, caret = _excerpt(self.text, self.column - 1)
        place = f"{printable(self.source)}:{self.line}:{self.column}"
        return f"{place}: {self.message}\n   | {text}".rstrip() + f"\n   | {' ' * caret}^"


class SpecError(ValueError):
    """A spec that cannot be used; its text is what the user should see.

    Attributes
    ----------
    diagnostics : tuple of Diagnostic
        Everything that is wrong, in the order of the text.
    """

    def __init__(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        super().__init__(diagnostics)
        self.diagnostics = diagnostics

    def __str__(self) -> str:
        lines = [str(diagnostic) for diagnostic in self.diagnostics[:SHOWN]]
        if len(self.diagnostics) > SHOWN:
            lines.append(f"... and {len(self.diagnostics) - SHOWN} more")
        return "\n".join(lines)


class Invalid(Exception):
    """A value that cannot be read; whoever reads the surrounding values adds it to the problems and goes on."""

    def __init__(self, mark: Mark, message: str) -> None:
        super().__init__(message)
        self.mark = mark
        self.message = message


class Problems:
    """Collects what is wrong with one spec.

    Parameters
    ----------
    source : str
        The file as the user named it.
    text : str
        The text that marks refer to.
    """

    def __init__(self, source: str, text: str = "") -> None:
        self._source = source
        self._text = text
        self._found: dict[tuple[Mark, str], None] = {}  # a set in order: a block that is used twice is reported once
        self._suggestions = SUGGESTIONS

    def __bool__(self) -> bool:
        return bool(self._found)

    def add(self, mark: Mark, message: str) -> None:
        """Note that ``message`` is wrong at ``mark``."""
        self._found[mark, message] = None

    @contextmanager
    def collecting(self) -> Iterator[None]:
        """Add what is Invalid inside the ``with`` block, and go on after it."""
        try:
            yield
        except Invalid as invalid:
            self.add(invalid.mark, invalid.message)

    def did_you_mean(self, name: str, known: Collection[str]) -> str:
        """Return ``; did you mean 'x'?`` for an unknown name that is close to a known one, else nothing."""
        self._suggestions -= 1
        match = closest(name, known) if self._suggestions >= 0 else None
        return f"; did you mean '{match}'?" if match else ""

    def check(self) -> None:
        """Raise SpecError if anything was found."""
        if self._found:
            raise self.error()

    def error(self) -> SpecError:
        """Return all that was found, in the order of the text; what options did comes last."""
        lines = split_lines(self._text)
        found = sorted(self._found, key=lambda item: (bool(item[0].option), item[0].line, item[0].column))
        return SpecError(tuple(self._diagnostic(mark, message, lines) for mark, message in found))

    def _diagnostic(self, mark: Mark, message: str, lines: list[str]) -> Diagnostic:
        if mark.option:
            return Diagnostic(mark.option, 0, 0, message)
        text = lines[mark.line - 1] if 1 <= mark.line <= len(lines) else ""
        return Diagnostic(self._source, mark.line, mark.column, message, text)


def split_lines(text: str) -> list[str]:
    """Split where YAML does, which is not where str.splitlines does."""
    return re.split("\r\n|[\n\r\x85\u2028\u2029]", text)


def _excerpt(text: str, caret: int) -> tuple[str, int]:
    """Return the part of a line around the caret, one printable character for each, and the caret's place in it."""
    start = max(0, min(caret - WIDTH // 2, len(text) - WIDTH))
    part = text[start : start + WIDTH]
    head = "..." if start else ""
    tail = "..." if start + WIDTH < len(text) else ""
    shown = "".join(c if c.isprintable() else " " if c == "\t" else "?" for c in part)
    return head + shown + tail, len(head) + caret - start
