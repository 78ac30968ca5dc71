"""Warnings of many predictions, each said once with the place where it first came up."""

from __future__ import annotations

import re

MOST = 6
ELSEWHERE = ("lambda_max_interval is null", "bounds.")
"""Beginnings of warnings about quantities that these results do not have."""


class Notes:
    """Collects warnings; those that differ in their numbers alone count as one."""

    def __init__(self) -> None:
        self._first: dict[str, tuple[str, str]] = {}
        self._times: dict[str, int] = {}
        self._places = 0
        self._general: dict[str, None] = {}

    def add(self, place: str, warnings: tuple[str, ...]) -> None:
        """Take the warnings of one point."""
        self._places += 1
        for text in warnings:
            if text.startswith(ELSEWHERE):
                continue
            key = re.sub(r"[0-9][0-9.e+-]*", "0", text)
            self._first.setdefault(key, (place, text))
            self._times[key] = self._times.get(key, 0) + 1

    def say(self, text: str) -> None:
        """Take a sentence that is about no single point."""
        self._general[text] = None

    def sentences(self) -> tuple[str, ...]:
        """Return what there is to say: without a place where it holds at all points, at most ``MOST`` sentences."""
        said = [*self._general, *(self._sentence(key) for key in self._first)]
        rest = len(said) - MOST
        return tuple(said) if rest <= 0 else (*said[:MOST], f"... and {rest} more warnings; predict shows them")

    def _sentence(self, key: str) -> str:
        place, text = self._first[key]
        if self._times[key] == self._places:
            return text
        return f"at {place}: {text}" + (f" (and at {n - 1} more)" if (n := self._times[key]) > 1 else "")
