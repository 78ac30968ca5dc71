"""The summary of a job of GitHub Actions, where there is one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrbound.report.base import Checked

VARIABLE = "GITHUB_STEP_SUMMARY"
"""Names a file to which Markdown is added."""


def write_summary(checked: Sequence[Checked]) -> None:
    """Add the checks to the summary, where the environment names one; a summary that cannot be written changes no result."""
    path = os.environ.get(VARIABLE)
    if not path:
        return
    from lrbound.report.markdown import MarkdownReport

    try:
        with open(path, "a", encoding="utf-8", newline="\n") as file:
            file.write(MarkdownReport().checks(checked) + "\n\n")
    except OSError as error:
        typer.echo(f"note: {VARIABLE} cannot be written: {error.strerror or error}", err=True)
