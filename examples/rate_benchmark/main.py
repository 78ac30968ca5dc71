"""The command of the benchmark."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from rate_benchmark.cells import SEEDS, Cell, design
from rate_benchmark.measuring import measure
from rate_benchmark.records import Record, Records
from rate_benchmark.reports import reports

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def main(arguments: Sequence[str], folder: Path) -> None:
    """Train what is missing, score it, and write the table."""
    parser = argparse.ArgumentParser(prog="rates.py", description=__doc__)
    parser.add_argument("--look", action="store_true", help="leave the held-out half alone")
    parser.add_argument("--score-only", action="store_true", help="train nothing")
    parser.add_argument("--jobs", type=int, default=1, help="processes; -1 takes every core (default: %(default)s)")
    given = parser.parse_args(arguments)
    records = Records(folder / "results" / "rates")
    cells = [cell for cell in [*design(), *reports()] if not (given.look and cell.split == "held-out")]
    if not given.score_only:
        measure_missing(cells, records, given.jobs)


def measure_missing(cells: Sequence[Cell], records: Records, jobs: int) -> None:
    """Measure every cell and seed without a record, in parallel over processes."""
    from joblib import Parallel, delayed

    known = {identity for split in ("look", "held-out", "table") for identity in records.read(split)}
    order = ("look", "table", "held-out")
    tasks = [(cell, seed) for seed in SEEDS for split in order for cell in cells if cell.split == split]
    missing = [(cell, seed) for cell, seed in tasks if (cell.key, seed) not in known]
    parallel = Parallel(n_jobs=jobs, return_as="generator_unordered")
    for count, (cell, record) in enumerate(parallel(delayed(_measured)(*task) for task in missing), 1):
        records.add(cell, record)
        print(f"{count}/{len(missing)} {cell.split} {record['seconds']:.0f} s {cell.name}", file=sys.stderr)


def _measured(cell: Cell, seed: int) -> tuple[Cell, Record]:
    from rate_benchmark.data import describe
    from rate_benchmark.cells import trained_data

    about = {
        "split": cell.split, "data": cell.data, "targets": cell.targets, "samples": cell.samples, "steps": cell.steps,
        "kinds": cell.kinds, "spec": cell.spec, "statistics": describe(trained_data(cell)),
    }  # fmt: skip
    return cell, {**about, **measure(cell, seed)}
