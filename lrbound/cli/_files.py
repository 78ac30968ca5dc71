"""Files that a verb writes beside its result; one that is there is not overwritten without being told to."""

from __future__ import annotations

import os

from lrbound.cli.exit import refuse


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
