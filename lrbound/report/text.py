"""``text``: a table of the layers and the answer in words, for people."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING

from lrbound.report import _words as words
from lrbound.report._table import table
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
    from lrbound.prediction import LayerReport, Prediction
    from lrbound.report.base import Checked, Predicted

TITLES = ("path", "layer", "parameters", "q", "q_xy", "lambda", "share")
MOST_ROWS = 40
ENDS = 16
"""Rows shown from each end of a network that has more than ``MOST_ROWS``."""


class TextReport(Report):
    """Plain text as wide as the terminal."""

    def prediction(self, prediction: Prediction) -> str:
        """Return the table of layers, the rates, and what they assume."""
        return "\n".join(
            [
                f"{prediction.name} ({prediction.method})",
                "",
                self._table(prediction),
                *([hidden] if (hidden := _hidden(prediction)) else []),
                "",
                *_answer(prediction),
                "",
                *self._paragraphs([f"What lambda_max comes from: {prediction.hint}."] if prediction.hint else []),
                *self._paragraphs(words.confidence(prediction)),
                *self._paragraphs(words.assumptions(prediction)),
                *(["", prediction.advice] if prediction.advice else []),
            ]
        )

    def checks(self, checked: Sequence[Checked]) -> str:
        """Return the verdict, and what it assumes; of several specs, a line each."""
        result = checked[0]
        if len(checked) > 1 or not isinstance(result, CheckResult):
            from lrbound.report._checks import lines

            return lines(checked, self.terminal)
        head = f"{words.outcome(result)}: {words.verdict(result)}"
        return "\n".join(self._paragraphs([head, *words.assumptions(result.prediction)]))

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
        return [line for sentence in sentences for line in textwrap.wrap(sentence, max(self.terminal.width, 20))]

    def _item(self, name: str, text: str) -> list[str]:
        width = max(self.terminal.width, 20)
        return textwrap.wrap(f"{name}: {text}", width, initial_indent="  ", subsequent_indent="    ")

    def _table(self, prediction: Prediction) -> str:
        head, tail = _ends(prediction.layers)
        gap = [("...", *("" for _ in TITLES[1:]))] if tail else []
        rows = [_cells(layer, prediction.lambda_max) for layer in (*head, *tail)]
        return table(TITLES, [*rows[: len(head)], *gap, *rows[len(head) :]], 2, self.terminal)


def _cells(layer: LayerReport, total: float) -> tuple[str, ...]:
    share = 100.0 * layer.lambda_ / total if total > 0.0 and math.isfinite(total) else None
    return (
        layer.path,
        layer.layer,
        words.count(layer.parameters),
        words.number(layer.q),
        words.number(layer.q_xy),
        words.number(layer.lambda_),
        words.NONE if share is None else f"{share:.1f} %",
    )


def _ends(layers: tuple[LayerReport, ...]) -> tuple[tuple[LayerReport, ...], tuple[LayerReport, ...]]:
    if len(layers) <= MOST_ROWS:
        return layers, ()
    return layers[:ENDS], layers[-ENDS:]


def _hidden(prediction: Prediction) -> str:
    middle = prediction.layers[ENDS:-ENDS]
    if len(prediction.layers) <= MOST_ROWS:
        return ""
    part = math.fsum(layer.lambda_ for layer in middle)
    return f"({len(middle)} rows hidden, together {words.number(part)} of lambda; --format json has all)"


def _answer(prediction: Prediction) -> list[str]:
    interval = prediction.lambda_max_interval
    spread = "" if interval is None else f" (90 % of initialisations: {' to '.join(map(words.number, interval))})"
    largest = "" if prediction.max_learning_rate is None else f" ({words.bound_words(prediction)})"
    bounds = prediction.bounds
    if prediction.first_step_learning_rate is not None:
        return [
            f"lambda_max                 {words.number(prediction.lambda_max)}{spread}",
            f"max learning rate          {words.NONE} (not known for {prediction.assumptions.optimizer})",
            f"recommended learning rate  {words.number(prediction.recommended_learning_rate)}",
            f"first-step learning rate   {words.number(prediction.first_step_learning_rate)} ({words.FIRST_STEP})",
        ]
    return [
        f"lambda_max                 {words.number(prediction.lambda_max)}{spread}",
        f"max learning rate          {words.number(prediction.max_learning_rate)}{largest}",
        f"recommended learning rate  {words.number(prediction.recommended_learning_rate)}",
        f"bound, curvature           {words.number(bounds.curvature)} ({words.CURVATURE})",
        f"bound, minibatch           {words.number(bounds.minibatch)} ({words.MINIBATCH})",
        f"critical batch size        {words.batch(prediction.critical_batch_size)} ({words.CRITICAL_BATCH})",
    ]
