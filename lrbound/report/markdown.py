"""``markdown``: a table of the checks and what was found, for summaries of jobs and comments on pull requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from lrbound.report import _words as words
from lrbound.report.base import CheckResult, Report

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lrbound.report.base import Checked, Finding

HEAD = "| | spec | learning rate | largest | recommended |"
RULE = "|---|---|---:|---:|---:|"
SIGNS = {"ok": "✅ ok", "warning": "⚠️ warning", "too high": "❌ too high", "error": "❌ error", "skipped": "skipped"}


class MarkdownReport(Report):
    """GitHub's Markdown; only checks have it."""

    holds_warnings: ClassVar[bool] = True

    def checks(self, checked: Sequence[Checked]) -> str:
        """Return the table, the findings with their places, and what the numbers assume."""
        lines = ["### Learning rates", "", HEAD, RULE, *map(_row, checked)]
        findings = [finding for one in checked for finding in one.findings]
        if findings:
            lines += ["", *map(_item, findings)]
        if assumed := list(_assumed(checked)):
            lines += ["", "<details><summary>What the numbers assume</summary>", "", *assumed, "", "</details>"]
        return "\n".join(lines)


def _row(one: Checked) -> str:
    cells = [SIGNS[words.outcome(one)], _code(one.spec)]
    if isinstance(one, CheckResult):
        largest = words.rate(one.max_learning_rate)
        if one.max_learning_rate is None:
            largest = f"{words.rate(one.prediction.first_step_learning_rate)} (first step)"
        cells += [words.given(one.learning_rate), largest, words.rate(one.prediction.recommended_learning_rate)]
    else:
        cells += [words.NONE] * 3
    return f"| {' | '.join(cells)} |"


def _item(finding: Finding) -> str:
    notice = finding.notice
    layer = "" if notice.path is None else f" ({_code(notice.path)})"
    return f"* {_code(finding.place)} **{notice.severity}** {notice.code}: {_escaped(notice.message)}{layer}"


def _assumed(checked: Sequence[Checked]) -> Iterator[str]:
    for one in checked:
        if isinstance(one, CheckResult):
            yield f"* {_code(one.spec)}: {_escaped(' '.join(words.assumptions(one.prediction)))}"


def _code(text: str) -> str:
    """Return text as code, which a table may hold."""
    plain = " ".join(text.split()).replace("|", "\\|")
    fence = "``" if "`" in plain else "`"
    return f"{fence}{plain}{fence}"


def _escaped(text: str) -> str:
    """Return text of which nothing is markup."""
    return "".join(f"\\{character}" if character in "\\`*_<>|[]" else character for character in text)
