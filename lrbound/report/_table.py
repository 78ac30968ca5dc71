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
SHORTEST = 12
"""The first column is cut to fit the terminal, but not below this."""


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
        Where it will be shown; cells of the first column lose their beginning where the table is too wide for it.
    """
    draw = _coloured if terminal.colour else _plain
    return draw(titles, rows, left, terminal)


def _plain(titles: Sequence[str], rows: Sequence[Sequence[str]], left: int, terminal: Terminal) -> str:
    widths = [max(map(len, column)) for column in zip(titles, *rows, strict=True)]
    others = sum(widths[1:]) + len(GAP) * (len(widths) - 1)
    widths[0] = min(widths[0], max(terminal.width - others, SHORTEST))

    def line(cells: Sequence[str]) -> str:
        first, *rest = cells
        fitted = [_keep_end(first, widths[0]), *rest]
        aligned = [
            cell.ljust(width) if index < left else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(fitted, widths, strict=True))
        ]
        return GAP.join(aligned).rstrip()

    head = line(titles)
    rule = ("\u2500" if terminal.boxes else "-") * (others + widths[0])
    return "\n".join([head, rule, *map(line, rows)])


def _coloured(titles: Sequence[str], rows: Sequence[Sequence[str]], left: int, terminal: Terminal) -> str:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    widths = [max(map(len, column)) for column in zip(titles, *rows, strict=True)]
    others = sum(widths[1:]) + 2 * (len(widths) - 1)
    first = min(widths[0], max(terminal.width - others, SHORTEST))
    grid = Table(
        box=box.SIMPLE_HEAD if terminal.boxes else box.Box(ASCII_HEAD, ascii=True),
        show_edge=False,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    for index, title in enumerate(titles):
        grid.add_column(title, justify="left" if index < left else "right", no_wrap=True)
    for cells in rows:
        grid.add_row(_keep_end(cells[0], first), *cells[1:])
    console = Console(
        file=io.StringIO(),
        width=max(first + others, 1),
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


def _keep_end(text: str, width: int) -> str:
    return text if len(text) <= width else "..." + text[3 - width :]
