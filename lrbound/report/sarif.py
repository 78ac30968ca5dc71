"""``sarif``: a log in the Static Analysis Results Interchange Format 2.1.0, which code scanning services read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import lrbound
from lrbound.notices import page
from lrbound.report import _words as words
from lrbound.report.base import CheckResult, Report

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lrbound.notices import Severity
    from lrbound.report.base import Checked, Finding

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
LEVELS: dict[Severity, str] = {"info": "note", "warning": "warning", "error": "error"}


class SarifReport(Report):
    """One run with a result for each verdict, warning and error, under the rule of its code; only checks have one.

    A rate that there is nothing to say about is a notification of the run.
    """

    holds_warnings: ClassVar[bool] = True

    def checks(self, checked: Sequence[Checked]) -> str:
        """Return the log."""
        import json

        log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [_run(checked)]}
        return json.dumps(log, indent=2, allow_nan=False)


def _run(checked: Sequence[Checked]) -> dict[str, Any]:
    findings = [(finding, text) for one in checked for finding, text in _texts(one)]
    codes = sorted({finding.notice.code for finding, _ in findings})
    fine = [one for one in checked if isinstance(one, CheckResult) and one.verdict is None]
    notes = [{"level": "note", "message": {"text": f"{one.prediction.name}: {words.verdict(one)}"}} for one in fine]
    driver = {"name": "lrbound", "version": lrbound.__version__, "rules": [_rule(code) for code in codes]}
    return {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": notes}],
        "results": [_result(finding, text, codes.index(finding.notice.code)) for finding, text in findings],
    }


def _texts(checked: Checked) -> Iterator[tuple[Finding, str]]:
    """Yield the findings with what there is to say about each: of the verdict, what it assumes."""
    for finding in checked.findings:
        text = finding.notice.text
        if isinstance(checked, CheckResult) and finding.notice == checked.verdict:
            verdict = f"{checked.prediction.name}: {words.verdict(checked)}"
            text = "\n".join([verdict, *words.assumptions(checked.prediction)])
        yield finding, text


def _result(finding: Finding, text: str, rule: int) -> dict[str, Any]:
    return {
        "ruleId": finding.notice.code,
        "ruleIndex": rule,
        "level": LEVELS[finding.notice.severity],
        "message": {"text": text},
        "locations": _locations(finding),
    }


def _rule(code: str) -> dict[str, Any]:
    known = page(code)
    return {
        "id": code,
        "shortDescription": {"text": f"{known.title}."},
        "fullDescription": {"text": known.text},
        "help": {"text": known.text, "markdown": known.text},
        "defaultConfiguration": {"level": LEVELS[known.severity]},
    }


def _locations(finding: Finding) -> list[dict[str, Any]]:
    """Return where a finding belongs: nowhere for a spec from the standard input."""
    from pathlib import PurePath
    from urllib.parse import quote

    if finding.spec == "-":
        return []
    path = PurePath(finding.spec)
    place: dict[str, Any] = {
        "artifactLocation": {"uri": path.as_uri() if path.is_absolute() else quote(path.as_posix())}
    }
    if finding.line:
        place["region"] = {"startLine": finding.line, "startColumn": finding.column}
    return [{"physicalLocation": place}]
