"""What normalisers are called on the command line; imports none of them."""

from __future__ import annotations

from lrbound.errors import Refused
from lrbound.layers import LAYERS
from lrbound.spec.wording import closest, quote

ALL = "all"
NONE = "none"
SUFFIX = "_norm"
"""What the names of all normalisers end in, and what may be left out."""


def kinds() -> tuple[str, ...]:
    """Return the kinds of all normalisers."""
    return tuple(name for name in LAYERS.names() if name.endswith(SUFFIX))


def short_names() -> tuple[str, ...]:
    """Return the names of all normalisers without their ending, and ``none``; imports none of them."""
    return (*(kind.removesuffix(SUFFIX) for kind in kinds()), NONE)


def find(name: str) -> str:
    """Return the kind that is meant by a name, with its ending or without, or ``none``; raise Refused if there is none."""
    short = short_names()
    plain = name.removesuffix(SUFFIX)
    if plain in short:
        return NONE if plain == NONE else f"{plain}{SUFFIX}"
    near = closest(plain, short)
    hint = f"did you mean {quote(near)}?" if near else f"there are {', '.join(short)}"
    raise Refused(f"unknown normalizer {quote(name)}; {hint}")
