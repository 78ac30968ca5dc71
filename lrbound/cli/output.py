"""The only place that writes results: stdout for the result, stderr for what there is to say about it."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from lrbound.report import REPORTS
from lrbound.report.base import Terminal

if TYPE_CHECKING:
    from lrbound.report.base import Report

PIPE_WIDTH = 100


def report(name: str) -> Report:
    """Return the report format ``name``, set up for the terminal or pipe that stdout is."""
    return REPORTS.get(name)(_terminal())


def emit(text: str) -> None:
    """Write the result."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
    sys.stdout.flush()


def _terminal() -> Terminal:
    encoding = sys.stdout.encoding or "ascii"
    boxes = _can_encode("\u2500\u2502\u253c", encoding)
    if not sys.stdout.isatty():
        return Terminal(width=PIPE_WIDTH, colour=False, boxes=boxes)
    colour = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return Terminal(width=os.get_terminal_size(sys.stdout.fileno()).columns or PIPE_WIDTH, colour=colour, boxes=boxes)


def _can_encode(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
