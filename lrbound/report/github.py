"""``github``: annotations of GitHub Actions, shown at the lines of the spec in the pull request."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from lrbound.notices import page
from lrbound.report import _words as words
from lrbound.report.base import CheckResult, Report

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lrbound.report.base import Checked, Finding

COMMANDS = {"info": "notice", "warning": "warning", "error": "error"}


class GitHubReport(Report):
    """Workflow commands, one for each verdict, warning and error; only checks have them."""

    holds_warnings: ClassVar[bool] = True

    def checks(self, checked: Sequence[Checked]) -> str:
        """Return ``::error`` where a check fails, ``::warning`` for what may be off, ``::notice`` for the rest."""
        return "\n".join(line for one in checked for line in _lines(one))


def _lines(checked: Checked) -> Iterator[str]:
    findings = checked.findings
    if isinstance(checked, CheckResult):
        name, level = checked.prediction.name, COMMANDS[checked.level or "info"]
        sentences = [f"{name}: {words.verdict(checked)}", *words.assumptions(checked.prediction)]
        title = "learning rate ok" if checked.verdict is None else page(checked.verdict.code).title
        yield _command(level, title, sentences, checked.spec, checked.line, checked.column)
        findings = findings[0 if checked.verdict is None else 1 :]
    for finding in findings:
        yield _finding(finding)


def _finding(finding: Finding) -> str:
    notice = finding.notice
    title = f"{page(notice.code).title} ({notice.code})"
    return _command(COMMANDS[notice.severity], title, [notice.text], finding.spec, finding.line, finding.column)


def _command(level: str, title: str, sentences: Sequence[str], spec: str, line: int, column: int) -> str:
    properties = {"title": f"lrbound: {title}"}
    if spec != "-":
        place = {"line": str(line), "col": str(column)} if line else {}
        properties = {"file": spec, **place, **properties}
    listed = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    return f"::{level} {listed}::{_message(chr(10).join(sentences))}"


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")
