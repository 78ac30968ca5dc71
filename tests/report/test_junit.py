from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from lrbound.notices import Notice
from lrbound.report import REPORTS
from lrbound.report.base import CheckResult, Finding, NotChecked


def suites(result):
    return ET.fromstring(REPORTS.get("junit")().checks(result if isinstance(result, list) else [result]).encode())


def test_a_rate_above_the_bound_is_a_failed_case(prediction):
    root = suites(CheckResult(False, 0.05, 0.0205, 0.05 / 0.0205, prediction, "nets/a.yaml", 7, 41))
    (suite,) = root
    (case,) = suite
    failure = case.find("failure")

    assert (root.tag, suite.tag, case.tag) == ("testsuites", "testsuite", "testcase")
    assert all((x.get("tests"), x.get("failures"), x.get("errors")) == ("1", "1", "0") for x in (root, suite))
    assert (case.get("classname"), case.get("file"), case.get("line")) == ("tiny", "nets/a.yaml", "7")
    assert failure.get("message") == (
        "learning rate 0.05 is above the largest stable rate 0.0205 (2.44 times; limited by the noise between batches)"
    )
    assert "\nFor half_squared_error, batches of 128, " in failure.text


def test_a_rate_within_the_bound_is_a_passed_case(prediction):
    root = suites(CheckResult(True, 0.005, 0.0205, 0.005 / 0.0205, prediction, "nets/a.yaml", 7, 41))
    case = root[0][0]

    assert (root.get("tests"), root.get("failures"), root[0].get("failures")) == ("1", "0", "0")
    assert case.find("failure") is None
    assert case.find("system-out").text.startswith("learning rate 0.005 is within the largest stable rate 0.0205 ")
    assert case.find("system-err").text == "LRB012 first warning (layers.1)"


def test_without_warnings_and_place_there_is_nothing_of_them(prediction):
    case = suites(CheckResult(True, 0.01, 0.0205, 0.5, replace(prediction, warnings=()), "-", 7, 41))[0][0]

    assert case.find("system-err") is None
    assert (case.get("file"), case.get("line")) == (None, None)


def test_a_broken_spec_is_an_error_and_one_without_a_rate_is_skipped(prediction):
    error = Finding(Notice("LRB110", "unknown layer 'foo'"), "b.yaml", 5, 3)
    none = Finding(Notice("LRB112", "no learning rate"), "c.yaml")
    good = CheckResult(True, 0.005, 0.0205, 0.2, prediction, "a.yaml")
    root = suites(
        [good, NotChecked("b.yaml", (error,), "b.yaml:5:3: ..."), NotChecked("c.yaml", (none,), "c.yaml: no rate")]
    )
    _, broken, skipped = root[0]

    assert [root[0].get(name) for name in ("tests", "failures", "errors", "skipped")] == ["3", "0", "1", "1"]
    assert (broken.get("file"), broken.get("line")) == ("b.yaml", "5")
    assert broken.find("error").get("message") == "unknown layer 'foo'"
    assert broken.find("error").text == "b.yaml:5:3: ..."
    assert skipped.find("skipped").get("message") == "c.yaml: no rate"


@pytest.mark.parametrize("text", ["<a> & \"b\" 'c'", "tab\tand é, \U0001f600"])
def test_markup_in_names_is_escaped(prediction, text):
    case = suites(CheckResult(True, 0.01, 0.0205, 0.5, replace(prediction, name=text), "a.yaml"))[0][0]

    assert case.get("classname") == text


def test_what_xml_cannot_hold_is_written_as_an_escape(prediction):
    case = suites(CheckResult(True, 0.01, 0.0205, 0.5, prediction, "a\x00\x1b\ud800b.yaml"))[0][0]

    assert case.get("file") == r"a\x00\x1b\ud800b.yaml"
