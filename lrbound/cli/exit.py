"""Exit statuses, and the way to the second of them."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from lrbound.report.base import Finding


class ExitCode(IntEnum):
    """What the shell gets back."""

    OK = 0
    CHECK_FAILED = 1
    BAD_INPUT = 2
    INTERNAL_ERROR = 3
    INTERRUPTED = 130


class Refusal(typer.Exit):
    """What ends a command with status 2, and what stderr says then.

    Attributes
    ----------
    message : str
    findings : tuple of Finding
        The same one by one with their places, where it is about a spec.
    """

    def __init__(self, message: str, findings: tuple[Finding, ...] = ()) -> None:
        super().__init__(ExitCode.BAD_INPUT)
        self.message = message
        self.findings = findings


def refuse(message: str, findings: tuple[Finding, ...] = ()) -> Refusal:
    """Return the exception that ends the command with status 2; whoever runs the command writes the message to stderr."""
    return Refusal(message, findings)
