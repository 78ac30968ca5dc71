from __future__ import annotations

import re
from dataclasses import replace

import pytest

from lrbound.notices import Notice
from lrbound.report import REPORTS
from lrbound.report.base import CheckResult, Finding, NotChecked


def shown(*checked):
    return REPORTS.get("markdown")().checks(checked)


def cells(text):
    """Return the rows of the table."""
    rows = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in rows]


def test_each_spec_is_a_row_and_each_finding_an_item(prediction):
    error = Finding(Notice("LRB110", "unknown layer 'foo'"), "b.yaml", 5, 3)
    good = CheckResult(True, 0.005, 0.0205, 0.24, prediction, "a.yaml", 7, 41, places={"layers.1": (12, 5)})
    high = CheckResult(False, 0.05, 0.0205, 2.4, replace(prediction, warnings=()), "c.yaml", 7, 41)
    text = shown(good, NotChecked("b.yaml", (error,), ""), high)

    assert [row[:3] for row in cells(text)[2:]] == [
        ["✅ ok", "`a.yaml`", "0.005"],
        ["❌ error", "`b.yaml`", "-"],
        ["❌ too high", "`c.yaml`", "0.05"],
    ]
    assert "* `a.yaml:12:5` **warning** LRB012: first warning (`layers.1`)\n" in text
    assert "* `b.yaml:5:3` **error** LRB110: unknown layer 'foo'\n" in text
    assert "* `c.yaml:7:41` **error** LRB100: learning rate 0.05 is 2.4 times the largest stable rate 0.0205\n" in text
    assert text.count("<details>") == text.count("</details>") == 1


@pytest.mark.parametrize("name", ["a|b.yaml", "a`b.yaml", "a\nb.yaml"])
def test_a_name_breaks_no_table(prediction, name):
    text = shown(CheckResult(True, 0.005, 0.0205, 0.24, prediction, name))

    assert {len(row) for row in cells(text)} == {5}
