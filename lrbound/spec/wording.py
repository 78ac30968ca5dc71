"""How messages show what the user wrote: one line, short, without characters that a terminal would act on."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST_QUOTE = 40
LONGEST_LIST = 12
CLOSE = 0.65  # similarity from which a name is suggested: 'sdg' for sgd yes, 'dense' for selu no


def printable(text: str) -> str:
    """Return the text with every character that does not print as itself written as an escape."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def abbreviate(text: str, length: int = LONGEST_QUOTE) -> str:
    """Return a printable text of about ``length`` characters at most, with its length where it was cut."""
    if len(text) <= length:
        return printable(text)
    return f"{printable(text[: length // 2])}... ({len(text)} characters)"


def quote(text: str) -> str:
    """Return the text in quotes, cut where it is long."""
    if len(text) <= LONGEST_QUOTE:
        return f"'{printable(text)}'"
    return f"'{printable(text[: LONGEST_QUOTE // 2])}...' ({len(text)} characters)"


def listing(words: Iterable[str], last: str = "and") -> str:
    """Return ``a``, ``a and b`` or ``a, b and c``."""
    *head, tail = words
    return f"{', '.join(head)} {last} {tail}" if head else tail


def closest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that ``name`` was probably meant to be; case and underscores do not count."""
    import difflib

    if len(name) > LONGEST_QUOTE:  # the comparison takes quadratic time
        return None
    plain = {word.replace("_", "").lower(): word for word in known}
    matches = difflib.get_close_matches(name.replace("_", "").lower(), plain, 1, CLOSE)
    return plain[matches[0]] if matches else None
