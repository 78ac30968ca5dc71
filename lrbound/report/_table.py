"""A table of aligned columns. rich draws finer ones, but importing it costs as much as all that lrbound computes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrbound.report.base import Terminal

GAP = "  "
SHORTEST = 12
"""The first column is cut to fit the terminal, but not below this."""
BOLD, RESET = "\x1b[1m", "\x1b[0m"


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
    return "\n".join([f"{BOLD}{head}{RESET}" if terminal.colour else head, rule, *map(line, rows)])


def _keep_end(text: str, width: int) -> str:
    return text if len(text) <= width else "..." + text[3 - width :]
