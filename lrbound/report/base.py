"""What a report format is, and what it is given."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from lrbound.notices import Notice
from lrbound.prediction import at_most

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lrbound.empirical.measurement import Measurement
    from lrbound.empirical.results import BoundaryResult, Grid
    from lrbound.explore.compare import Comparison
    from lrbound.explore.normaliser_table import NormaliserTable
    from lrbound.explore.portrait import Portrait
    from lrbound.explore.solve import Solutions
    from lrbound.explore.statistics import Statistics
    from lrbound.explore.sweep import Sweep
    from lrbound.explore.transfer import Transfer
    from lrbound.notices import Severity
    from lrbound.prediction import Prediction


@dataclass(frozen=True)
class Finding:
    """A notice and where it belongs in a file.

    Attributes
    ----------
    notice : Notice
    spec : str
        Path of the spec, ``-`` for stdin.
    line, column : int
        From 1; 0 where it is not known.
    """

    notice: Notice
    spec: str
    line: int = 0
    column: int = 0

    @property
    def place(self) -> str:
        """``file:line:column``, as far as it is known."""
        return f"{self.spec}:{self.line}:{self.column}" if self.line else self.spec


@dataclass(frozen=True)
class NotChecked:
    """A spec that cannot be used, or that states no rate.

    Attributes
    ----------
    spec : str
    findings : tuple of Finding
        Why; without an error among them it is skipped.
    text : str
        The same for people, with the lines of the spec.
    """

    spec: str
    findings: tuple[Finding, ...]
    text: str

    @property
    def skipped(self) -> bool:
        """Whether nothing is wrong with it."""
        return all(finding.notice.severity != "error" for finding in self.findings)


@dataclass(frozen=True)
class CheckResult:
    """A learning rate held against the maximum of a prediction.

    Attributes
    ----------
    ok : bool
        Whether the rate is at most the level from which a check fails: ``fail_above``, the maximum without one.
    learning_rate : float
    max_learning_rate : float or None
        None for an optimiser whose largest rate is not known.
    ratio : float or None
        The first divided by the second.
    prediction : Prediction
    spec : str
        Path of the spec, ``-`` for stdin.
    line, column : int
        Where the spec says the rate, or how it trains where it says none, from 1; 0 where that is not known.
    fail_above : float or None
        The largest rate that passes where it is not ``max_learning_rate``.
    places : mapping of str to (int, int)
        Line and column of each layer in the spec, by its path.
    ignored : frozenset of str
        Codes of warnings that nobody wants to hear of.
    """

    ok: bool
    learning_rate: float
    max_learning_rate: float | None
    ratio: float | None
    prediction: Prediction
    spec: str
    line: int = 0
    column: int = 0
    fail_above: float | None = None
    places: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    ignored: frozenset[str] = frozenset()

    @property
    def level(self) -> Severity | None:
        """The severity of the verdict; None for a rate that there is nothing to say about."""
        return "warning" if self.cautious else None if self.ok else "error"

    @property
    def verdict(self) -> Notice | None:
        """What is to be said of the rate; None where that is nothing."""
        rate, above = f"learning rate {self.learning_rate:.6g}", self.fail_above
        if not self.ok and self.ratio is not None and (above is None or above == self.max_learning_rate):
            text = f"is {self.ratio:.3g} times the largest stable rate {at_most(self.max_learning_rate or 0.0)}"
            return Notice("LRB100", f"{rate} {text}")
        if not self.ok:
            return Notice("LRB100", f"{rate} is above {above:.3g}, from which the check fails")
        if not self.cautious:
            return None
        return self._above_start(rate)

    def _above_start(self, rate: str) -> Notice:
        first, start = self.prediction.first_step_learning_rate, self.prediction.recommended_learning_rate
        if self.max_learning_rate is None:
            return Notice("LRB102", f"{rate} is above that of the first step, {at_most(first or 0.0)}")
        return Notice("LRB101", f"{rate} is above the recommended {at_most(start or 0.0)}")

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The verdict, where there is something to say, and the warnings, with their places."""
        verdict = [] if self.verdict is None else [Finding(self.verdict, self.spec, self.line, self.column)]
        warnings = (Finding(one, self.spec, *self._place(one)) for one in self.prediction.warnings)
        return (*verdict, *warnings)

    def _place(self, notice: Notice) -> tuple[int, int]:
        return (0, 0) if notice.path is None else self.places.get(notice.path, (0, 0))

    @property
    def cautious(self) -> bool:
        """Whether the rate passes and is above the one to start with, or that of the first step: a warning, not an error."""
        start = self.prediction.first_step_learning_rate or self.prediction.recommended_learning_rate
        above = self.ok and start is not None and self.learning_rate > start
        return above and ("LRB102" if self.max_learning_rate is None else "LRB101") not in self.ignored


Checked = CheckResult | NotChecked


@dataclass(frozen=True)
class Predicted:
    """What is predicted for one spec.

    Attributes
    ----------
    spec : str
    predictions : tuple of Prediction
        One for each batch size that was asked for; none where there are findings.
    findings : tuple of Finding
        Why there is no prediction.
    """

    spec: str
    predictions: tuple[Prediction, ...]
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Terminal:
    """What the text will be shown on.

    Attributes
    ----------
    width : int
        Columns.
    colour : bool
        Whether escape codes are understood and wanted.
    boxes : bool
        Whether the encoding has the box-drawing characters.
    """

    width: int = 100
    colour: bool = False
    boxes: bool = True


RESULTS = (
    "prediction",
    "checks",
    "measurement",
    "boundary",
    "boundary_sweep",
    "sweep",
    "solutions",
    "comparison",
    "normalizers",
    "statistics",
    "predictions",
    "transfer",
    "portraits",
)
"""What there is to show; a format has a method of this name for each result that it can show."""


MOST_LAYERS = 10


class Report:
    """Base of the report formats; a format's name is the name of its module.

    A format is pure: it returns the text, without a newline at its end, and neither prints nor computes results. It
    supports the results of which it defines the method, and is offered for no others.

    Attributes
    ----------
    supports : frozenset of str
        Which of :data:`RESULTS` the format can show.
    holds_warnings : bool
        Whether the text has the warnings in it, so that nobody else need say them.

    Parameters
    ----------
    terminal : Terminal
        Formats that are not for people ignore it.
    most_layers : int or None
        How many layers a prediction shows, for people; None for all.
    """

    supports: ClassVar[frozenset[str]] = frozenset()
    holds_warnings: ClassVar[bool] = False

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.supports = frozenset(name for name in RESULTS if getattr(cls, name) is not getattr(Report, name))

    def __init__(self, terminal: Terminal = Terminal(), most_layers: int | None = MOST_LAYERS) -> None:
        self.terminal = terminal
        self.most_layers = most_layers

    def prediction(self, prediction: Prediction) -> str:
        """Return the text of a prediction."""
        raise NotImplementedError(type(self).__module__)

    def checks(self, checked: Sequence[Checked]) -> str:
        """Return the text of checks, one or more."""
        raise NotImplementedError(type(self).__module__)

    def measurement(self, result: Measurement) -> str:
        """Return the text of a measurement."""
        raise NotImplementedError(type(self).__module__)

    def boundary(self, result: BoundaryResult) -> str:
        """Return the text of the rate at which training diverges."""
        raise NotImplementedError(type(self).__module__)

    def boundary_sweep(self, grid: Grid) -> str:
        """Return the text of a grid of training runs."""
        raise NotImplementedError(type(self).__module__)

    def sweep(self, result: Sweep) -> str:
        """Return the text of predictions along knobs."""
        raise NotImplementedError(type(self).__module__)

    def solutions(self, result: Solutions) -> str:
        """Return the text of the values at which a rate is just stable."""
        raise NotImplementedError(type(self).__module__)

    def comparison(self, result: Comparison) -> str:
        """Return the text of specs side by side."""
        raise NotImplementedError(type(self).__module__)

    def normalizers(self, result: NormaliserTable) -> str:
        """Return the text of one network with each normaliser."""
        raise NotImplementedError(type(self).__module__)

    def statistics(self, result: Statistics) -> str:
        """Return the text of the statistics of data."""
        raise NotImplementedError(type(self).__module__)

    def predictions(self, predicted: Sequence[Predicted]) -> str:
        """Return the text of several specs, each at one batch size or more."""
        raise NotImplementedError(type(self).__module__)

    def transfer(self, result: Transfer) -> str:
        """Return the text of a rate carried from one network to another."""
        raise NotImplementedError(type(self).__module__)

    def portraits(self, portraits: Sequence[Portrait]) -> str:
        """Return the text of networks with what moves their rates."""
        raise NotImplementedError(type(self).__module__)
