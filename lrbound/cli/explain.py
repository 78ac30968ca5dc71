"""``lrbound explain``: what a notice means."""

from __future__ import annotations

from typing import Annotated

import typer

from lrbound.cli.exit import refuse
from lrbound.cli.output import emit


def _complete(incomplete: str) -> list[str]:
    from lrbound.notices import codes

    return [code for code in codes() if code.startswith(incomplete.upper())]


CodesArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="CODE", autocompletion=_complete, help="Codes such as LRB012; without one, a list of all."),
]


def command(codes: CodesArgument = None) -> None:
    """Explain a warning by its code, or list all.

    Example: lrbound explain LRB012
    """
    from lrbound.notices import codes as all_codes
    from lrbound.notices import page

    if not codes:
        pages = [page(code) for code in all_codes()]
        emit("\n".join(f"{one.code}  {one.severity:7}  {one.title}" for one in pages))
        return
    found = []
    for code in codes:
        if code.upper() not in all_codes():
            raise refuse(f"error: there is no code {code!r}; lrbound explain lists all")
        one = page(code.upper())
        found.append(f"{one.code} ({one.severity}): {one.title}\n\n{one.text}")
    emit("\n\n".join(found))
