"""The frames of a traceback that are a model's own code."""

from __future__ import annotations

import os
import sysconfig
import traceback
from functools import cache

FRAMES = 3
"""How many of the last ones are shown."""
OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MACHINERY = ("torch", "importlib", "runpy.py", "copy.py", "contextlib.py")
"""Packages and files that only pass calls on."""


@cache
def is_own(file: str) -> bool:
    """Whether a source file is a model's code and not torch, Python or this package."""
    if file.startswith((OURS + os.sep, "<frozen")):
        return False
    for root in (sysconfig.get_path("purelib"), sysconfig.get_path("stdlib")):
        inside = file.removeprefix(root + os.sep)
        if inside != file and inside.removeprefix("site-packages" + os.sep).split(os.sep)[0] in MACHINERY:
            return False
    return f"{os.sep}torch{os.sep}" not in file


def own_frames(error: BaseException) -> list[traceback.FrameSummary]:
    """Return the frames of an error that are the model's code, the innermost last."""
    return [frame for frame in traceback.extract_tb(error.__traceback__) if is_own(frame.filename)]


def last_frames(error: BaseException) -> str:
    """Return the last frames of the model's code and the error, as Python prints them."""
    if isinstance(error, SyntaxError):
        return "".join(traceback.format_exception_only(error)).rstrip()
    shown = traceback.format_list(own_frames(error)[-FRAMES:])
    return "".join([*shown, *traceback.format_exception_only(error)]).rstrip()
