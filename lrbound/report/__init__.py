"""Report formats: one a file, named as ``--format`` names them; they turn results into text and do nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrbound.registry import Family

if TYPE_CHECKING:
    from lrbound.report.base import Report

REPORTS: Family[Report] = Family("lrbound.report.base:Report", "lrbound.report")
DEFAULT = "text"


def formats(*results: str) -> tuple[str, ...]:
    """Return the names of the formats that can show all of these results: the default, then those that show most."""
    shown = [(name, REPORTS.get(name).supports) for name in REPORTS.names()]
    able = [(name, len(supports)) for name, supports in shown if supports.issuperset(results)]
    return tuple(name for name, _ in sorted(able, key=lambda one: (one[0] != DEFAULT, -one[1], one[0])))
