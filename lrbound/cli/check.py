"""``lrbound check``: whether learning rates are at most the maximum, as an exit status."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from lrbound.cli._checking import Checking, status
from lrbound.cli._config import config
from lrbound.cli._data import ArrayOption, DataOption, MeanOption, StdOption, TargetsOption, read_statistics
from lrbound.cli._explore import one_line_errors, parse_rate
from lrbound.cli._files import FileOptions  # noqa: TC001 - typer reads the annotations
from lrbound.cli._notices import NoticeOptions  # noqa: TC001 - typer reads the annotations
from lrbound.cli._progress import progress_bar
from lrbound.cli._specs import expand
from lrbound.cli._summary import write_summary
from lrbound.cli.core import findings, in_order
from lrbound.cli.exit import ExitCode, Refusal
from lrbound.cli.options import (
    ArgOption,
    InputOption,
    JobsOption,
    SpecOptions,
    SpecsArgument,
    format_option,
    parse_jobs,
)
from lrbound.cli.output import report
from lrbound.report import REPORTS
from lrbound.report.base import CheckResult, NotChecked

if TYPE_CHECKING:
    from lrbound.notices import Notice

FEW = 3
"""Specs of which the same is said one by one."""

FormatOption = Annotated[str, format_option("checks")]
RateOption = Annotated[
    str | None,
    typer.Option("--lr", metavar="RATE", help="The learning rate to check; without it the spec's own learning_rate."),
]
FailAboveOption = Annotated[
    str | None,
    typer.Option(
        "--fail-above",
        metavar="max|curvature|NUMBER",
        help="The largest rate that passes: max_learning_rate, bounds.curvature or a number, such as --fail-above 0.1. A "
        "rate above the recommended one that passes is a warning. Without it max, and for losses of probabilities, which have "
        "no hard limit, the multiple of that at which half of the trained networks failed.",
    ),
]
LEVELS = ("max", "curvature")


def command(
    specs: SpecsArgument,
    *,
    lr: RateOption = None,
    fail_above: FailAboveOption = None,
    data: DataOption = None,
    array: ArrayOption = None,
    targets: TargetsOption = None,
    mean: MeanOption = None,
    std: StdOption = None,
    jobs: JobsOption = None,
    output: FormatOption = "text",
    files: FileOptions,
    shape: InputOption = None,
    arguments: ArgOption = None,
    options: SpecOptions,
    notices: NoticeOptions,
) -> None:
    """Check learning rates; exit status 1 if one is too high.

    It is 0 if each rate is at most the level of --fail-above, with a warning where it is above the recommended one, and 2 if a spec
    cannot be used or has no maximum; of several specs the worst counts. A spec without a rate is skipped. An adaptive optimiser
    has no maximum: a rate above that of its first step is a warning.

    Example: lrbound check nets/ --fail-above curvature -j 4
    """
    named, fixed = _level(fail_above)
    given = None if lr is None else parse_rate(lr)
    files.check()
    notices.say_defaults()
    found = expand(specs)
    statistics = None
    if data is not None:
        with one_line_errors():
            statistics = read_statistics(data, array=array, targets=targets, mean=mean, std=std)
    work = partial(_check, checking=Checking(given, named, fixed, shape, arguments, options, statistics))
    with progress_bar("checking") as progress:
        checked = in_order(work, found, parse_jobs(jobs), progress)
    results = [_told(one, spec, notices) for one, spec in zip(checked, found, strict=True)]
    write_summary(results)
    if isinstance(checked[0], Refusal) and len(checked) == 1 and not REPORTS.get(output).holds_warnings:
        raise checked[0]
    _say(results, notices, output)
    files.emit(report(output).checks(results))
    said = [finding.notice for one in results for finding in one.findings]
    raise typer.Exit(notices.status(said, max(map(status, results), default=ExitCode.OK)))


def _level(option: str | None) -> tuple[str | None, float | None]:
    """Return the name of the level from which a check fails, and the number where it is one."""
    text = config().get("fail-above") if option is None else option
    if text is None or text in LEVELS:
        return text, None
    return None, parse_rate(str(text), "--fail-above")


def _check(spec: str, checking: Checking) -> CheckResult | NotChecked | Refusal:
    try:
        return checking(spec)
    except Refusal as refusal:
        return refusal


def _told(checked: CheckResult | NotChecked | Refusal, spec: str, notices: NoticeOptions) -> CheckResult | NotChecked:
    """Return what became of a spec, without the notices that are ignored."""
    if isinstance(checked, CheckResult):
        return replace(checked, prediction=notices.without_ignored(checked.prediction), ignored=notices.ignored)
    if isinstance(checked, Refusal):
        return NotChecked(spec, findings(checked, spec), checked.message)
    kept = notices.kept(finding.notice for finding in checked.findings)
    return replace(checked, findings=tuple(finding for finding in checked.findings if finding.notice in kept))


def _say(results: list[CheckResult | NotChecked], notices: NoticeOptions, output: str) -> None:
    """Write to stderr what the format does not hold."""
    many = len(results) > 1
    for one in results:
        if isinstance(one, NotChecked) and not one.skipped and not REPORTS.get(output).holds_warnings:
            typer.echo(one.text, err=True)
    said = [
        finding.notice.within(one.spec if many else "")
        for one in results
        for finding in one.findings
        if not isinstance(one, CheckResult) or finding.notice != one.verdict
        if finding.notice.severity != "error"
    ]
    notices.say(_together(said), output)


def _together(said: list[Notice]) -> list[Notice]:
    """Say what is the same of more than ``FEW`` specs once."""
    alike = Counter((notice.code, notice.message) for notice in said)
    kept = {
        (notice.code, notice.message): notice.within(f"{alike[notice.code, notice.message]} specs")
        for notice in said
        if alike[notice.code, notice.message] > FEW
    }
    return [notice for notice in said if (notice.code, notice.message) not in kept] + list(kept.values())
