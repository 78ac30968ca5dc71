"""The only place that writes results: stdout for the result, stderr for what there is to say about it."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from lrbound.report import REPORTS
from lrbound.report.base import MOST_LAYERS, Terminal

if TYPE_CHECKING:
    from lrbound.report.base import Report

PIPE_WIDTH = 80
MOST_COLUMNS = 10_000


def report(name: str, most_layers: int | None = MOST_LAYERS) -> Report:
    """Return the report format ``name``, set up for the terminal or pipe that stdout is."""
    return REPORTS.get(name)(_terminal(), most_layers)


def emit(text: str) -> None:
    """Write the result."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
    sys.stdout.flush()


def _terminal() -> Terminal:
    encoding = sys.stdout.encoding or "ascii"
    boxes = _can_encode("\u2500\u2502\u253c", encoding)
    stated = os.environ.get("COLUMNS", "")
    width = int(stated) if stated.isascii() and stated.isdigit() and 0 < int(stated) < MOST_COLUMNS else 0
    if not sys.stdout.isatty():
        return Terminal(width=width or PIPE_WIDTH, colour=False, boxes=boxes)
    colour = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    own = os.get_terminal_size(sys.stdout.fileno()).columns
    return Terminal(width=width or own or PIPE_WIDTH, colour=colour, boxes=boxes)


def _can_encode(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
