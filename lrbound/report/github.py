"""``github``: one annotation of GitHub Actions, shown at the spec in the pull request."""

from __future__ import annotations

from lrbound.report import _words as words
from lrbound.report.base import CheckResult, Report


class GitHubReport(Report):
    """Workflow commands; only checks have one."""

    def check(self, result: CheckResult) -> str:
        """Return ``::notice`` for a rate to start with, ``::warning`` for one above it, ``::error`` for one that fails."""
        level, title = ("notice", "learning rate ok") if result.ok else ("error", "learning rate too high")
        if result.cautious:
            level, title = "warning", "learning rate above the recommended one"
        properties = {"title": f"lrbound: {title}"}
        if result.spec != "-":
            place = {"line": str(result.line), "col": str(result.column)} if result.line else {}
            properties = {"file": result.spec, **place, **properties}
        listed = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
        sentences = [f"{result.prediction.name}: {words.verdict(result)}", *words.assumptions(result.prediction)]
        return f"::{level} {listed}::{_message(chr(10).join(sentences))}"


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")
