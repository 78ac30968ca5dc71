"""Exit statuses, and the way to the second of them."""

from __future__ import annotations

from enum import IntEnum

import typer


class ExitCode(IntEnum):
    """What the shell gets back."""

    OK = 0
    CHECK_FAILED = 1
    BAD_INPUT = 2
    INTERNAL_ERROR = 3
    INTERRUPTED = 130


def refuse(message: str) -> typer.Exit:
    """Write ``message`` to stderr and return the exception that ends the command with status 2."""
    typer.echo(message, err=True)
    return typer.Exit(ExitCode.BAD_INPUT)
