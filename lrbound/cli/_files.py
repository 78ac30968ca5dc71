"""Files that a verb writes; one that is there is not overwritten without being told to, and none is left half written."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Annotated

import typer

from lrbound.cli.exit import refuse
from lrbound.cli.output import emit

OutputOption = Annotated[
    str | None, typer.Option("--output", "-o", metavar="FILE", help="Write the result there instead of to stdout.")
]
ForceOption = Annotated[bool, typer.Option("--force", help="Overwrite a file that is there.")]


@dataclass(frozen=True)
class FileOptions:
    """Where a verb writes its result: a verb with a parameter of this type has these options."""

    file: OutputOption = None
    force: ForceOption = False

    def check(self, *others: str) -> None:
        """End the command where a file is in the way, before the work: that of the result, or of what else is written."""
        check_free([*([] if self.file is None else [self.file]), *others], force=self.force)

    def emit(self, text: str) -> None:
        """Write the result."""
        if self.file is None:
            emit(text)
            return
        write_text(self.file, text + "\n")
        typer.echo(f"wrote {self.file}", err=True)


def check_free(paths: list[str], *, force: bool) -> None:
    """End the command where a file is in the way, or has nowhere to go: before the work, not after it."""
    for path in paths:
        if os.path.isdir(path):
            raise refuse(f"error: {path} is a folder")
        if os.path.lexists(path) and not force:
            raise refuse(f"error: {path} exists; --force overwrites it")


def make_folder(path: str) -> None:
    """Make a folder and those above it."""
    try:
        os.makedirs(path or ".", exist_ok=True)
    except OSError as error:
        raise refuse(f"error: cannot make the folder {path}: {error.strerror or error}") from error


def write_text(path: str, text: str) -> None:
    """Write a text file, whole or not at all."""
    from lrbound.atomic import write_whole

    try:
        write_whole(path, text)
    except OSError as error:
        raise refuse(f"error: cannot write {path}: {error.strerror or error}") from error
