"""``text``: a table of the layers and the answer in words, for people."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from lrbound.report import _words as words
from lrbound.report.base import CheckResult, Report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrbound.empirical.measurement import Measurement
    from lrbound.empirical.results import BoundaryResult, Grid
    from lrbound.explore.compare import Comparison
    from lrbound.explore.normaliser_table import NormaliserTable
    from lrbound.explore.portrait import Portrait
    from lrbound.explore.solve import Solutions
    from lrbound.explore.statistics import Statistics
    from lrbound.explore.sweep import Sweep
    from lrbound.explore.transfer import Transfer
    from lrbound.prediction import Prediction
    from lrbound.report.base import Checked, Predicted


class TextReport(Report):
    """Plain text as wide as the terminal."""

    def prediction(self, prediction: Prediction) -> str:
        """Return what to do, the rates, where they come from and what they assume."""
        from lrbound.report._prediction import lines

        return "\n".join(lines(prediction, self.terminal, self.most_layers))

    def checks(self, checked: Sequence[Checked]) -> str:
        """Return the verdict, and what it assumes; of several specs, a line each."""
        result = checked[0]
        if len(checked) > 1 or not isinstance(result, CheckResult):
            from lrbound.report._checks import lines

            return lines(checked, self.terminal)
        head = f"{words.outcome(result)}: {words.verdict(result)}"
        advice = result.prediction.advice
        better = [] if result.ok or advice is None else [advice]
        return "\n".join(self._paragraphs([head, *better, *words.assumptions(result.prediction)]))

    def measurement(self, result: Measurement) -> str:
        """Return the predicted and the measured value, and the parts of the layers if they are wanted."""
        from lrbound.report._measurement import answer, layer_table

        return "\n".join([*answer(result), *(["", layer_table(result, self.terminal)] if result.per_layer else [])])

    def boundary(self, result: BoundaryResult) -> str:
        """Return the rate at which training diverges beside the predictions."""
        from lrbound.report._boundary import answer, explanation

        return "\n".join([*answer(result), "", *self._paragraphs(explanation())])

    def boundary_sweep(self, grid: Grid) -> str:
        """Return a table of the boundary along the knob."""
        from lrbound.report._boundary import sweep_table, title

        return "\n".join([title(grid.name, grid.training), "", sweep_table(grid, self.terminal)])

    def sweep(self, result: Sweep) -> str:
        """Return the table of points and a picture of the rate."""
        from lrbound.report._sweep import sweep_plot, sweep_table

        picture = sweep_plot(result, self.terminal)
        return "\n".join([sweep_table(result, self.terminal), *(["", *picture] if picture else [])])

    def solutions(self, result: Solutions) -> str:
        """Return the solutions, or why there is none."""
        from lrbound.report._solutions import answer

        return "\n".join([line for text in answer(result) for line in self._paragraphs([text]) or [""]])

    def comparison(self, result: Comparison) -> str:
        """Return all specs in one table, and what makes each differ from the first."""
        from lrbound.report._comparison import explanation, side_by_side

        baseline = result.predictions[0].name
        blocks = ["\n".join(explanation(one, baseline, self.terminal)) for one in result.contrasts]
        return "\n\n".join([side_by_side(result, self.terminal), *blocks])

    def normalizers(self, result: NormaliserTable) -> str:
        """Return the table, then why, and what is undefined."""
        from lrbound.report import _normalizers as parts

        blocks = [("Why", parts.explanations(result)), ("Undefined", parts.reasons(result))]
        lines = [parts.rows(result, self.terminal), "", *self._paragraphs([parts.conditions(result)])]
        for title, block in blocks:
            if found := [line for item in block for line in self._item(*item)]:
                lines += ["", f"{title}:", *found]
        return "\n".join(lines)

    def statistics(self, result: Statistics) -> str:
        """Return the statistics, and the lines of a spec that state them."""
        from lrbound.report._statistics import answer

        return "\n".join(answer(result))

    def predictions(self, predicted: Sequence[Predicted]) -> str:
        """Return a row for each spec and batch size."""
        from lrbound.report._batches import rows

        return rows(predicted, self.terminal)

    def transfer(self, result: Transfer) -> str:
        """Return the carried rate and what it follows from."""
        from lrbound.report._batches import carried

        return "\n".join(carried(result, self.terminal))

    def portraits(self, portraits: Sequence[Portrait]) -> str:
        """Return each network's answer, and a table for each knob."""
        from lrbound.report._batches import along

        blocks = [
            "\n\n".join([self.prediction(one.prediction), *(along(curve, self.terminal) for curve in one.curves)])
            for one in portraits
        ]
        return "\n\n\n".join(blocks)

    def _paragraphs(self, sentences: Sequence[str]) -> list[str]:
        from lrbound.report._prediction import paragraphs

        return paragraphs(sentences, self.terminal)

    def _item(self, name: str, text: str) -> list[str]:
        width = max(self.terminal.width, 20)
        return textwrap.wrap(f"{name}: {text}", width, initial_indent="  ", subsequent_indent="    ")
