"""Notices of many predictions, each code said once with the place where it first came up."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lrbound.notices import Notice

ELSEWHERE = ("lambda_max_interval", "bounds.", "critical_batch_size")
"""Beginnings of notices about quantities that these results do not have."""


class Notes:
    """Collects notices; those of one code count as one."""

    def __init__(self) -> None:
        self._first: dict[str, tuple[str, Notice]] = {}
        self._times: dict[str, int] = {}
        self._places = 0
        self._general: dict[Notice, None] = {}

    def add(self, place: str, notices: Iterable[Notice]) -> None:
        """Take the notices of one point."""
        self._places += 1
        for code, notice in {one.code: one for one in reversed(list(notices))}.items():
            if not notice.message.startswith(ELSEWHERE):
                self._first.setdefault(code, (place, notice))
                self._times[code] = self._times.get(code, 0) + 1

    def say(self, notice: Notice) -> None:
        """Take a notice that is about no single point."""
        self._general[notice] = None

    def all(self) -> tuple[Notice, ...]:
        """Return the notices: without a place where one holds at all points."""
        return (*self._general, *(self._placed(code) for code in sorted(self._first)))

    def _placed(self, code: str) -> Notice:
        place, notice = self._first[code]
        times = self._times[code]
        if times == self._places:
            return notice
        return notice.within(place if times == 1 else f"{place} and {times - 1} more")
