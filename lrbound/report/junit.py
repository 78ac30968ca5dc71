"""``junit``: a test suite of one case in JUnit's XML, which most services for continuous integration show."""

from __future__ import annotations

from typing import ClassVar

from lrbound.report import _words as words
from lrbound.report.base import CheckResult, Report


class JUnitReport(Report):
    """A case that passes for a rate within the bound and fails for one above it; only checks have one."""

    holds_warnings: ClassVar[bool] = True

    def check(self, result: CheckResult) -> str:
        """Return the suite; what the numbers assume is its output, and the warnings are its error output."""
        from xml.etree import ElementTree as ET

        prediction = result.prediction
        counts = {"tests": "1", "failures": "0" if result.ok else "1", "errors": "0"}
        suites = ET.Element("testsuites", {"name": "lrbound", **counts})
        suite = ET.SubElement(suites, "testsuite", {"name": "lrbound check", **counts, "skipped": "0"})
        place = {} if result.spec == "-" else {"file": _allowed(result.spec)}
        if place and result.line:
            place["line"] = str(result.line)
        names = {"classname": _allowed(prediction.name), "name": "learning rate is at most the largest stable rate"}
        case = ET.SubElement(suite, "testcase", {**names, **place})
        verdict = _allowed(words.verdict(result))
        said = "\n".join([verdict, *words.assumptions(prediction)])
        if not result.ok:
            ET.SubElement(case, "failure", {"type": "learning-rate-too-high", "message": verdict}).text = said
        ET.SubElement(case, "system-out").text = said
        if prediction.warnings:
            ET.SubElement(case, "system-err").text = _allowed("\n".join(map(str, prediction.warnings)))
        ET.indent(suites)
        return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(suites, encoding="unicode")


def _allowed(text: str) -> str:
    """Return the text with escapes for the characters that XML 1.0 cannot hold, not even as references."""
    return "".join(
        character
        if character in "\t\n\r"
        or " " <= character <= "\ud7ff"
        or "\ue000" <= character <= "\ufffd"
        or character > "\uffff"
        else character.encode("unicode_escape").decode("ascii")
        for character in text
    )
