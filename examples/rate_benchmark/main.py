"""The command of the benchmark: measures what is missing, scores it, and writes the table."""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from typing import TYPE_CHECKING

from rate_benchmark import tables
from rate_benchmark.cells import FRESH_COUNT, FRESH_SEED, SEEDS, Cell, design, trained_data
from rate_benchmark.data import describe
from rate_benchmark.measuring import measure, run_at
from rate_benchmark.predicting import Rates, predicted
from rate_benchmark.records import Record, Records
from rate_benchmark.reports import reports
from rate_benchmark.scoring import largest, score, shortened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from rate_benchmark.scoring import Scored

BEGIN, END = "<!-- rates:begin -->", "<!-- rates:end -->"
SPLITS = ("look", "table", "held-out", "fresh")
"""In the order in which they are measured."""


def main(arguments: Sequence[str], folder: Path) -> None:
    """Train what is missing, score it, and write the table.

    Parameters
    ----------
    arguments : sequence of str
        Of the command line.
    folder : Path
        Has ``results/rates`` with the results and ``README.md`` with the table.
    """
    parser = argparse.ArgumentParser(prog="rates.py", description=__doc__)
    parser.add_argument("--look", action="store_true", help="leave the held-out half alone")
    parser.add_argument("--score-only", action="store_true", help="train nothing")
    parser.add_argument("--recommend", action="store_true", help="train at the recommended rates of today too")
    parser.add_argument("--by-kind", action="store_true", help="print the scores by normaliser, loss, ... too")
    parser.add_argument("--jobs", type=int, default=1, help="processes; -1 takes every core (default: %(default)s)")
    given = parser.parse_args(arguments)
    records = Records(folder / "results" / "rates")
    splits = SPLITS[:2] if given.look else SPLITS
    cells = {
        cell.key: cell for cell in [*design(), *reports(), *design(FRESH_COUNT, FRESH_SEED)] if cell.split in splits
    }
    if not given.score_only:
        measure_missing(list(cells.values()), records, given.jobs)
    known = {split: [r for r in records.read(split).values() if r["key"] in cells] for split in splits}
    rates = predict_all([record for split in splits for record in known[split]], given.jobs)
    if given.recommend:
        missing = list(_recommended(known, rates, records, cells))
        _run(run_at, missing, given.jobs, lambda cell, record: records.add(cell, record, "recommended"))
    scored = {split: score_all(known[split], rates, records, split) for split in splits}
    halves = {split: scored[split] for split in splits if split != "table" and scored[split]}
    content = tables.overview(halves)
    content += "\n\n" + tables.reported([(r, rates[r["key"]]) for r in known["table"] if r["seed"] == SEEDS[0]])
    print(content)
    if given.by_kind:
        for split, group in halves.items():
            print(f"\n{split}\n\n{tables.by_kind(group)}")
    if not given.look:
        write(folder / "README.md", content)


def measure_missing(cells: Sequence[Cell], records: Records, jobs: int) -> None:
    """Measure every cell and seed without a record, in parallel over processes."""
    known = {identity for split in SPLITS for identity in records.read(split)}
    tasks = [(cell, seed) for seed in SEEDS for split in SPLITS for cell in cells if cell.split == split]
    missing = [(cell, seed) for cell, seed in tasks if (cell.key, seed) not in known]
    _run(_measured, missing, jobs, records.add)


def predict_all(records: Iterable[Record], jobs: int) -> dict[str, Rates]:
    """Return today's rates of every cell by its key."""
    from joblib import Parallel, delayed

    cells = {record["key"]: record for record in records}
    found = Parallel(n_jobs=jobs)(delayed(predicted)(record) for record in cells.values())
    return dict(zip(cells, found, strict=True))


def score_all(known: Iterable[Record], rates: dict[str, Rates], records: Records, split: str) -> list[Scored]:
    """Return the scores of a split's records."""
    trained: dict[tuple[str, int], list[Record]] = defaultdict(list)
    for run in records.read(split, "recommended").values():
        trained[run["key"], run["seed"]].append(run)
    return [score(record, rates[record["key"]], trained[record["key"], record["seed"]]) for record in known]


def write(readme: Path, content: str) -> None:
    """Put the table between its markers, which are added at the end where they are missing."""
    text = readme.read_text("utf-8") if readme.exists() else "# Examples\n"
    if BEGIN not in text or END not in text:
        text = f"{text.rstrip()}\n\n## The benchmark of rates\n\n{BEGIN}\n{END}\n"
    before, _, rest = text.partition(BEGIN)
    readme.write_text(f"{before}{BEGIN}\n\n{content}\n\n{END}{rest.partition(END)[2]}", "utf-8")


def _run(
    function: Callable[..., tuple[Cell, Record]],
    tasks: Sequence[tuple[object, ...]],
    jobs: int,
    keep: Callable[[Cell, Record], None],
) -> None:
    from joblib import Parallel, delayed

    parallel = Parallel(n_jobs=jobs, return_as="generator_unordered")
    for count, (cell, record) in enumerate(parallel(delayed(function)(*task) for task in tasks), 1):
        keep(cell, record)
        print(f"{count}/{len(tasks)} {cell.split} {cell.name}", file=sys.stderr)


def _measured(cell: Cell, seed: int) -> tuple[Cell, Record]:
    about = {
        "split": cell.split, "data": cell.data, "targets": cell.targets, "samples": cell.samples, "steps": cell.steps,
        "kinds": cell.kinds, "spec": cell.spec, "statistics": describe(trained_data(cell)),
    }  # fmt: skip
    return cell, {**about, **measure(cell, seed)}


def _recommended(
    known: dict[str, list[Record]], rates: dict[str, Rates], records: Records, cells: dict[str, Cell]
) -> Iterator[tuple[Cell, int, float | None]]:
    """Yield cells, seeds and the rates to train at: the recommended ones, and maxima above all rates that were tried without a failure."""
    for split, found in known.items():
        done = records.read(split, "recommended")
        for record in found:
            told = rates[record["key"]]
            beyond = record["boundary"][1] is None and (told.maximum or 0.0) > largest(record)
            for rate in (told.recommended, told.maximum if beyond else None):
                key = (record["key"], record["seed"], shortened(rate))
                if rate is not None and key not in done:
                    yield cells[record["key"]], *key[1:]
