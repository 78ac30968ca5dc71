"""``csv``: one line a point of a sweep, for spreadsheets and plotting programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrbound.report.base import Report

if TYPE_CHECKING:
    from lrbound.explore.sweep import Sweep


class CsvReport(Report):
    """Comma-separated values; only sweeps have them."""

    def sweep(self, result: Sweep) -> str:
        """Return a column for each knob and number, and the name of the spec first where there are several.

        What is not known is an empty field.
        """
        import csv
        import io

        many = len(result.specs) > 1
        file = io.StringIO()
        writer = csv.writer(file, lineterminator="\n")
        titles = (*result.knobs, "lambda_max", "max_learning_rate", "recommended_learning_rate")
        writer.writerow(["name", *titles] if many else titles)
        writer.writerows([*([point.spec] if many else []), *point.values, *point.answer] for point in result.points)
        return file.getvalue().rstrip("\n")
