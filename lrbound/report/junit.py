"""``junit``: a test suite in JUnit's XML, a case a spec, which most services for continuous integration show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from lrbound.report import _words as words
from lrbound.report.base import CheckResult, Report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrbound.report.base import Checked, NotChecked

NAME = "learning rate is at most the largest stable rate"


class JUnitReport(Report):
    """A case that passes for a rate within the bound, fails for one above it, and has an error for a broken spec."""

    holds_warnings: ClassVar[bool] = True

    def checks(self, checked: Sequence[Checked]) -> str:
        """Return the suite; what the numbers assume is a case's output, and the warnings are its error output."""
        from xml.etree import ElementTree as ET

        others = [one for one in checked if not isinstance(one, CheckResult)]
        skipped = sum(one.skipped for one in others)
        failures = sum(isinstance(one, CheckResult) and not one.ok for one in checked)
        counts = {"tests": len(checked), "failures": failures, "errors": len(others) - skipped}
        listed = {name: str(number) for name, number in counts.items()}
        suites = ET.Element("testsuites", {"name": "lrbound", **listed})
        suite = ET.SubElement(suites, "testsuite", {"name": "lrbound check", **listed, "skipped": str(skipped)})
        for one in checked:
            if isinstance(one, CheckResult):
                _checked(suite, one)
            else:
                _not_checked(suite, one)
        ET.indent(suites)
        return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(suites, encoding="unicode")


def _checked(suite: Any, result: CheckResult) -> None:
    from xml.etree import ElementTree as ET

    prediction = result.prediction
    case = _case(suite, prediction.name, result.spec, result.line)
    verdict = _allowed(words.verdict(result))
    said = "\n".join([verdict, *words.assumptions(prediction)])
    if not result.ok:
        ET.SubElement(case, "failure", {"type": "learning-rate-too-high", "message": verdict}).text = said
    ET.SubElement(case, "system-out").text = said
    if prediction.warnings:
        ET.SubElement(case, "system-err").text = _allowed("\n".join(map(str, prediction.warnings)))


def _not_checked(suite: Any, one: NotChecked) -> None:
    from xml.etree import ElementTree as ET

    line = one.findings[0].line if one.findings else 0
    case = _case(suite, one.spec, one.spec, line)
    if one.skipped:
        ET.SubElement(case, "skipped", {"message": _allowed(one.text)})
        return
    notice = one.findings[0].notice
    ET.SubElement(case, "error", {"type": notice.code, "message": _allowed(notice.message)}).text = _allowed(one.text)


def _case(suite: Any, name: str, spec: str, line: int) -> Any:
    from xml.etree import ElementTree as ET

    place = {} if spec == "-" else {"file": _allowed(spec)}
    if place and line:
        place["line"] = str(line)
    return ET.SubElement(suite, "testcase", {"classname": _allowed(name), "name": NAME, **place})


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
