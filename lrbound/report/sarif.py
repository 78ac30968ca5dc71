"""``sarif``: a log in the Static Analysis Results Interchange Format 2.1.0, which code scanning services read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import lrbound
from lrbound.report import _words as words
from lrbound.report.base import CheckResult, Report

if TYPE_CHECKING:
    from lrbound.notices import Notice

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
RULE = "learning-rate-too-high"


class SarifReport(Report):
    """One run with a result for a rate above the bound, none for a rate within it; only checks have one.

    The verdict on a rate within the bound and the warnings are notifications of the run.
    """

    holds_warnings: ClassVar[bool] = True

    def check(self, result: CheckResult) -> str:
        """Return the log."""
        import json

        log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [_run(result)]}
        return json.dumps(log, indent=2, allow_nan=False)


def _run(result: CheckResult) -> dict[str, Any]:
    verdict = f"{result.prediction.name}: {words.verdict(result)}"
    notes = [_noted(notice) for notice in result.prediction.warnings]
    if result.ok:
        notes.insert(0, _notification("warning" if result.cautious else "note", verdict))
    sentences = [verdict, *words.assumptions(result.prediction)]
    found = {
        "ruleId": RULE,
        "ruleIndex": 0,
        "level": "error",
        "message": {"text": "\n".join(sentences)},
        "locations": _locations(result),
    }
    rule = {
        "id": RULE,
        "shortDescription": {"text": "The learning rate is above the largest stable rate of the network."},
        "help": {
            "text": "Lower training.optimizer.learning_rate, or change what lrbound predict says limits the rate."
        },
        "defaultConfiguration": {"level": "error"},
    }
    return {
        "tool": {"driver": {"name": "lrbound", "version": lrbound.__version__, "rules": [rule]}},
        "columnKind": "unicodeCodePoints",
        "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": notes}],
        "results": [] if result.ok else [found],
    }


def _noted(notice: Notice) -> dict[str, Any]:
    level = "note" if notice.severity == "info" else notice.severity
    return {**_notification(level, str(notice)), "associatedRule": {"id": notice.code}}


def _notification(level: str, text: str) -> dict[str, Any]:
    return {"level": level, "message": {"text": text}}


def _locations(result: CheckResult) -> list[dict[str, Any]]:
    """Return where the rate stands: nowhere for a spec from the standard input."""
    from pathlib import PurePath
    from urllib.parse import quote

    if result.spec == "-":
        return []
    path = PurePath(result.spec)
    place: dict[str, Any] = {
        "artifactLocation": {"uri": path.as_uri() if path.is_absolute() else quote(path.as_posix())}
    }
    if result.line:
        place["region"] = {"startLine": result.line, "startColumn": result.column}
    return [{"physicalLocation": place}]
