"""Report formats: one a file, named as ``--format`` names them; they turn results into text and do nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrbound.registry import Family

if TYPE_CHECKING:
    from lrbound.report.base import Report

REPORTS: Family[Report] = Family("lrbound.report.base:Report", "lrbound.report")
