"""The tables of the text report: drawn by rich on a terminal, aligned by hand where nobody sees colours.

Importing rich costs a quarter of what a whole `predict` takes; into a file or a pipe the same table needs none of it.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrbound.report.base import Terminal

ASCII_HEAD = "    \n    \n -- \n    \n    \n    \n    \n    \n"
GAP = "  "
SHORTEST = 10
"""Columns of text, and titles, are cut to fit the terminal, but not below this."""


def table(titles: Sequence[str], rows: Sequence[Sequence[str]], left: int, terminal: Terminal) -> str:
    """Return a table under a rule.

    Parameters
    ----------
    titles : sequence of str
    rows : sequence of sequences of str
        As many cells as there are titles.
    left : int
        So many columns are aligned to the left, the others to the right.
    terminal : Terminal
        Where it will be shown; where the table is too wide for it, cells of the columns to the left lose their middle, and
        titles of the others their beginning. Numbers are never cut.
    """
    widths = _widths(titles, rows, left, terminal.width)
    head = [
        _cut(title, width, middle=index < left) for index, (title, width) in enumerate(zip(titles, widths, strict=True))
    ]
    body = [
        [
            _cut(cell, width, middle=True) if index < left else cell
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        for row in rows
    ]
    draw = _coloured if terminal.colour else _plain
    return draw(head, body, widths, left, terminal)


def _widths(titles: Sequence[str], rows: Sequence[Sequence[str]], left: int, most: int) -> list[int]:
    """Return how wide the columns are: what may be cut is, the widest first, until all fit."""
    cells = [max(map(len, column), default=0) for column in zip(*rows, strict=True)] or [0] * len(titles)
    widths = [max(len(title), width) for title, width in zip(titles, cells, strict=True)]
    least = [
        min(width, SHORTEST) if index < left else max(cell, min(width, SHORTEST))
        for index, (width, cell) in enumerate(zip(widths, cells, strict=True))
    ]
    excess = sum(widths) + len(GAP) * (len(widths) - 1) - most
    while excess > 0:
        room = [width - floor for width, floor in zip(widths, least, strict=True)]
        if not any(room):
            break
        widest = max((index for index in range(len(widths)) if room[index]), key=lambda index: widths[index])
        widths[widest] -= 1
        excess -= 1
    return widths


def _plain(
    titles: Sequence[str], rows: Sequence[Sequence[str]], widths: Sequence[int], left: int, terminal: Terminal
) -> str:
    def line(cells: Sequence[str]) -> str:
        aligned = [
            cell.ljust(width) if index < left else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return GAP.join(aligned).rstrip()

    rule = ("\u2500" if terminal.boxes else "-") * (sum(widths) + len(GAP) * (len(widths) - 1))
    return "\n".join([line(titles), rule, *map(line, rows)])


def _coloured(
    titles: Sequence[str], rows: Sequence[Sequence[str]], widths: Sequence[int], left: int, terminal: Terminal
) -> str:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    grid = Table(
        box=box.SIMPLE_HEAD if terminal.boxes else box.Box(ASCII_HEAD, ascii=True),
        show_edge=False,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    for index, (title, width) in enumerate(zip(titles, widths, strict=True)):
        grid.add_column(title, justify="left" if index < left else "right", no_wrap=True, min_width=width)
    for cells in rows:
        grid.add_row(*cells)
    console = Console(
        file=io.StringIO(),
        width=max(sum(widths) + len(GAP) * (len(widths) - 1), 1),
        force_terminal=terminal.colour,
        color_system="standard" if terminal.colour else None,
        legacy_windows=False,
        markup=False,
        highlight=False,
        _environ={},
    )
    with console.capture() as capture:
        console.print(grid)
    return "\n".join(line.rstrip() for line in capture.get().rstrip("\n").split("\n"))


def _cut(text: str, width: int, *, middle: bool) -> str:
    """Return the text in so many columns, without its middle or its beginning where it is longer."""
    if len(text) <= width:
        return text
    head = (width - 3) // 3 if middle else 0
    return f"{text[:head]}...{text[len(text) - (width - 3 - head) :]}"
