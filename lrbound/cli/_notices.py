"""What there is to say beside a result: which of it is wanted, where it is written, and whether it counts."""

from __future__ import annotations

import os
import sys
import textwrap
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from lrbound.cli._config import config
from lrbound.cli.exit import ExitCode
from lrbound.report import REPORTS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lrbound.notices import Notice

T = TypeVar("T")

WORDS = {"info": "note", "warning": "warning", "error": "error"}
ALWAYS = "error"
"""The severity that --quiet and --ignore leave."""


def _complete(incomplete: str) -> list[str]:
    from lrbound.notices import codes

    head, comma, last = incomplete.rpartition(",")
    return [f"{head}{comma}{code}" for code in codes() if code.startswith(last)]


def _known(given: list[str] | None) -> list[str]:
    """Return the codes one by one; a code without a page ends the command."""
    from lrbound.notices import codes

    found = [code.strip().upper() for text in given or () for code in text.split(",") if code.strip()]
    for code in found:
        if code not in codes():
            raise typer.BadParameter(f"there is no code {code!r}; lrbound explain lists all")
    return found


IgnoreOption = Annotated[
    list[str] | None,
    typer.Option(
        "--ignore",
        metavar="CODE,CODE",
        callback=_known,
        autocompletion=_complete,
        help="Leave out notices of these codes, such as LRB012; repeatable.",
    ),
]
StrictOption = Annotated[bool, typer.Option("--strict", help="Exit status 1 where there is a warning.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Write the result and errors, no warnings and notes.")]
VerboseOption = Annotated[
    bool, typer.Option("--verbose", "-v", help="Explain each notice, and say where defaults come from.")
]


@dataclass(frozen=True)
class NoticeOptions:
    """What a verb says beside its result: a verb with a parameter of this type has these options."""

    ignore: IgnoreOption = None
    strict: StrictOption = False
    quiet: QuietOption = False
    verbose: VerboseOption = False

    def say_defaults(self) -> None:
        """Say with --verbose where defaults come from."""
        if self.verbose:
            for text in config().said():
                typer.echo(text, err=True)

    @property
    def ignored(self) -> frozenset[str]:
        """The codes that nobody wants to hear of."""
        return frozenset(self.ignore or config().get("ignore") or ())

    def wants(self, code: str, format_name: str) -> bool:
        """Return whether a notice of this code would be said, or count: finding its reason may take long."""
        told = not self.quiet or self.strict or REPORTS.get(format_name).holds_warnings
        return told and code not in self.ignored

    def kept(self, notices: Iterable[Notice]) -> tuple[Notice, ...]:
        """Return the notices that are not ignored; an error never is."""
        ignored = self.ignored
        return tuple(one for one in notices if one.code not in ignored or one.severity == ALWAYS)

    def without_ignored(self, result: T) -> T:
        """Return a result whose ``warnings`` are those that are not ignored."""
        whole: Any = result
        return replace(whole, warnings=self.kept(whole.warnings))

    def say(self, notices: Iterable[Notice], format_name: str = "text") -> None:
        """Write notices to stderr, unless the format has them in the result."""
        said = [one for one in notices if not self.quiet or one.severity == ALWAYS]
        if not said or REPORTS.get(format_name).holds_warnings:
            return
        for notice in said:
            typer.echo(line(notice), err=True)
            if self.verbose:
                typer.echo(_page(notice.code), err=True)
        if not self.verbose:
            codes = " ".join(dict.fromkeys(notice.code for notice in said))
            typer.echo(f"lrbound explain {codes}", err=True)

    def status(self, notices: Iterable[Notice], otherwise: ExitCode = ExitCode.OK) -> ExitCode:
        """Return the exit status: 1 for a warning with --strict where it would be 0."""
        strict = self.strict and any(notice.severity != "info" for notice in notices)
        return ExitCode.CHECK_FAILED if strict and otherwise == ExitCode.OK else otherwise


def line(notice: Notice) -> str:
    """Return a notice as it is told on stderr: one line, on a terminal as wide as that."""
    text = f"{WORDS[notice.severity]}[{notice.code}]: {notice.text}"
    if not sys.stderr.isatty():
        return text
    width = max(os.get_terminal_size(sys.stderr.fileno()).columns or 80, 40)
    return "\n".join(textwrap.wrap(text, width, subsequent_indent="  ", break_on_hyphens=False))


def _page(code: str) -> str:
    from lrbound.notices import page

    return textwrap.indent(page(code).text, "    ", lambda _: True) + "\n"
