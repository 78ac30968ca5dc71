"""One spec held against its prediction."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lrbound.cli._data import on_samples
from lrbound.cli._explore import one_line_errors
from lrbound.cli.core import load_network_or_model, predict_network
from lrbound.cli.exit import ExitCode, refuse
from lrbound.notices import Notice
from lrbound.report.base import CheckResult, Finding, NotChecked

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lrbound.cli.options import SpecOptions
    from lrbound.explore.statistics import Statistics
    from lrbound.layers.base import Node
    from lrbound.losses.base import Loss
    from lrbound.network import Network, Training
    from lrbound.prediction import Prediction
    from lrbound.report.base import Checked

NO_RATE = Notice("LRB112", "skipped, no learning rate: give --lr or training.optimizer.learning_rate")


@dataclass(frozen=True)
class Checking:
    """How specs are checked.

    Attributes
    ----------
    rate : float or None
        The rate to check; None for the spec's own.
    level : str or None
        ``max`` or ``curvature``, from which a check fails; None leaves it to the loss.
    fixed : float or None
        The level as a number.
    shape, arguments
        Of a model.
    options : SpecOptions
    statistics : Statistics or None
        Of the samples, where a data file is given.
    """

    rate: float | None
    level: str | None
    fixed: float | None
    shape: str | None
    arguments: list[str] | None
    options: SpecOptions
    statistics: Statistics | None = None

    def __call__(self, spec: str) -> Checked:
        """Check a spec; Refusal where it cannot be used."""
        network = load_network_or_model("check", spec, self.options, self.shape, self.arguments)
        if self.statistics is not None:
            with one_line_errors():
                network = on_samples(network, self.statistics)
        training = network.training
        rate = training.optimizer.learning_rate if self.rate is None else self.rate
        if rate is None:
            place = (training.line, training.column)
            return NotChecked(spec, (Finding(NO_RATE, spec, *place),), f"{spec}: {NO_RATE.message}")
        prediction = predict_network(network, self.options, spec)
        level = self._level(prediction, training, spec) if self.fixed is None else self.fixed
        return _compared(rate, prediction, spec, network, level)

    def _level(self, prediction: Prediction, training: Training, spec: str) -> float | None:
        """Return the rate of a level that a prediction has; None stands for the maximum."""
        loss: Loss = training.loss
        if self.level is None and loss.tolerated > 1.0 and prediction.max_learning_rate is not None:
            return loss.tolerated * prediction.max_learning_rate
        if self.level is None or self.level == "max":
            return None
        if prediction.bounds.curvature is None:
            raise _unknown("bounds.curvature is not known for this network", prediction, spec, training)
        return prediction.bounds.curvature


def status(checked: Checked) -> ExitCode:
    """Return the exit status for what became of a spec."""
    if isinstance(checked, CheckResult):
        return ExitCode.OK if checked.ok else ExitCode.CHECK_FAILED
    return ExitCode.OK if checked.skipped else ExitCode.BAD_INPUT


def _compared(
    rate: float, prediction: Prediction, spec: str, network: Network, fail_above: float | None = None
) -> CheckResult:
    """Hold a rate against a prediction: it passes up to ``fail_above``, by default the maximum."""
    largest, training = prediction.max_learning_rate, network.training
    place = (training.line, training.column, fail_above, dict(_places(network.nodes)))
    if largest is None and prediction.first_step_learning_rate is not None:
        ok = fail_above is None or rate <= fail_above
        return CheckResult(ok, rate, None, None, prediction, spec, *place)
    if largest is None:
        raise _unknown("no largest stable rate is known for this network", prediction, spec, training)
    ratio = rate / largest if largest > 0 else math.inf
    ok = rate <= (largest if fail_above is None else fail_above)
    return CheckResult(ok, rate, largest, ratio, prediction, spec, *place)


def _places(nodes: Sequence[Node]) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield the path and the place in the text of every layer, those of branches and copies of repeats too."""
    from lrbound.layers.base import Branching, unroll

    for node in unroll(tuple(nodes)):
        if node.line:
            yield node.path, (node.line, node.column)
        if isinstance(node.layer, Branching):
            for arm in node.layer.arms():
                yield from _places(arm)


def _unknown(text: str, prediction: Prediction, spec: str, training: Training) -> Exception:
    found = Finding(Notice("LRB113", text), spec, training.line, training.column)
    return refuse("\n".join((f"error: {text}", *map(str, prediction.warnings))), (found,))
