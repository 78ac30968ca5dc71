"""The tables of the text report, drawn by rich."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrbound.report.base import Terminal

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
    widths = [max(map(len, column)) for column in zip(titles, *rows, strict=True)]
    others = sum(widths[1:]) + 2 * (len(widths) - 1)
    first = min(widths[0], max(terminal.width - others, SHORTEST))
    grid = Table(
        box=box.SIMPLE_HEAD if terminal.boxes else ASCII_HEAD, show_edge=False, padding=(0, 1, 0, 0), pad_edge=False
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


ASCII_HEAD = box.Box("    \n    \n -- \n    \n    \n    \n    \n    \n", ascii=True)


def _keep_end(text: str, width: int) -> str:
    return text if len(text) <= width else "..." + text[3 - width :]
