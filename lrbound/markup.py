"""HTML of results: a table, for pages and for notebooks."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def html_table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table whose first column names the rows and whose others are numbers."""
    from html import escape  # not needed by most predictions

    head = "".join(f"<th scope='col'>{escape(title)}</th>" for title in titles)
    lines = [
        f"<tr><th scope='row'>{escape(row[0])}</th>{''.join(f'<td>{escape(cell)}</td>' for cell in row[1:])}</tr>"
        for row in rows
    ]
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"


def rounded(value: object, digits: int = 4) -> str:
    """Return a number with so many significant digits, ``-`` for None, a word as it is."""
    return "-" if value is None else f"{value:.{digits}g}" if isinstance(value, float) else str(value)
