"""What every report format must satisfy; a new one is tested without an edit here."""

from __future__ import annotations

import pytest

from lrbound.report import DEFAULT, REPORTS, formats
from lrbound.report.base import RESULTS, CheckResult, Report


@pytest.mark.parametrize("name", REPORTS.names())
def test_a_format_supports_the_results_of_which_it_has_the_method(name):
    cls = REPORTS.get(name)

    assert cls.supports
    assert cls.supports == {result for result in RESULTS if result in vars(cls)}


def test_a_format_cannot_claim_what_it_has_no_method_for():
    class Claims(Report):
        supports = frozenset({"sweep", "checks"})

        def checks(self, checked) -> str:
            return str(len(checked))

    assert Claims.supports == {"checks"}


def test_every_result_can_be_shown_to_people_and_programs():
    for result in RESULTS:
        assert formats(result)[:2] == (DEFAULT, "json")


@pytest.mark.parametrize("name", formats("checks"))
@pytest.mark.parametrize("ok", [True, False])
def test_every_format_of_a_check_has_its_warnings_or_leaves_them_to_stderr(prediction, name, ok):
    shown = REPORTS.get(name)().checks([CheckResult(ok, 0.01, 0.0205, 0.5, prediction, "a.yaml", 3, 5)])

    assert ("first warning" in shown) == REPORTS.get(name).holds_warnings
    assert not shown.endswith("\n")
