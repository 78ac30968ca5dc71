"""What cannot be translated, and why: all of it at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lrbound.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_PLACES = 3
"""Of one reason are listed; the rest are counted."""


@dataclass(frozen=True)
class Origin:
    """Where in a model something is computed.

    Attributes
    ----------
    path : str
        The innermost module, as ``named_modules`` calls it; empty for the model itself.
    module : str
        Its class.
    line : str
        ``file.py:12`` in the model's own code, where known.
    """

    path: str = ""
    module: str = ""
    line: str = ""

    def __str__(self) -> str:
        """Return ``layer1.0.conv1 (Conv2d)``, or for the model itself its class and line."""
        if self.path:
            return f"{self.path} ({self.module})" if self.module else self.path
        return f"{self.module or 'the model'}{', ' + self.line if self.line else ''}"


@dataclass(frozen=True)
class Reason:
    """One thing that a spec cannot say: a whole sentence, with what to do about it."""

    origin: Origin
    text: str


class Untranslatable(Refused):
    """A model that no spec describes.

    Parameters
    ----------
    reasons : iterable of Reason
        Everything that stands in the way; the same reason in several places is printed once.
    """

    def __init__(self, reasons: Iterable[Reason]) -> None:
        self.reasons = tuple(reasons)
        super().__init__("\n".join(lines(self.reasons)))


class ModelError(Exception):
    """The model's own code failed, or there is no such model; the text says where, with the last frames of that code."""


def lines(reasons: Iterable[Reason]) -> list[str]:
    """Return ``place, place and 4 more: sentence`` for every different sentence."""
    places: dict[str, list[str]] = {}
    for reason in reasons:
        where = places.setdefault(reason.text, [])
        if str(reason.origin) not in where:
            where.append(str(reason.origin))
    return [f"{_listed(where)}: {text}" for text, where in places.items()]


def _listed(places: list[str]) -> str:
    shown, more = places[:MOST_PLACES], len(places) - MOST_PLACES
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")
