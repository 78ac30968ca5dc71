"""Text files that are there whole or not at all: a full disk, an error or a kill leaves the old one as it was."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile


def write_whole(path: str, text: str) -> None:
    """Write ``text`` beside the file and put it in its place, links followed and permissions kept; OSError where that fails."""
    target = os.path.realpath(path)
    if os.path.exists(target) and not os.path.isfile(target):  # a pipe or a device has no place to be put in
        with open(target, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        return
    folder, name = os.path.split(target)
    number, beside = tempfile.mkstemp(prefix=f".{name[:100]}.", dir=folder)
    try:
        with open(number, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(number)
        os.chmod(beside, _mode(target))
        os.replace(beside, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(beside)
        raise


def _mode(target: str) -> int:
    """Return the permissions of a file, of a new one where there is none."""
    if os.path.exists(target):
        return stat.S_IMODE(os.stat(target).st_mode)
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
