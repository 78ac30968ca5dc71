# ruff: noqa: INP001 - a script
"""The first steps of AdamW: the rate from which on they raise the loss, predicted and then measured, on cells drawn for it.

    python examples/first_steps.py --predict    draw the cells and predict them; keep that before anything is measured
    python examples/first_steps.py              measure what is missing, rewrite the table in examples/README.md

Cells, predictions and measurements are in examples/results/first_steps/.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rate_benchmark.first_steps import design, measure, predicted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rate_benchmark.cells import Cell

SEED, COUNT = 20261201, 40
WEIGHTS = (0, 1)
"""Seeds of the weights and batches."""
FOLDER = Path(__file__).parent
RESULTS = FOLDER / "results" / "first_steps"
BEGIN, END = "<!-- first-steps:begin -->", "<!-- first-steps:end -->"


def main(arguments: Sequence[str]) -> None:
    """Predict or measure the cells."""
    parser = argparse.ArgumentParser(prog="first_steps.py", description=__doc__)
    parser.add_argument("--predict", action="store_true", help="predict the cells and measure nothing")
    given = parser.parse_args(arguments)
    cells = design(SEED, COUNT)
    if given.predict:
        RESULTS.mkdir(parents=True, exist_ok=True)
        _write("predicted", [{"key": cell.key, "name": cell.name, **predicted(cell)} for cell in cells])
        return
    known = {(row["key"], row["seed"]): row for row in _read("measured")}
    for cell, seed in ((cell, seed) for cell in cells for seed in WEIGHTS):
        if (cell.key, seed) not in known:
            known[cell.key, seed] = {"key": cell.key, **measure(cell, seed)}
            _write("measured", list(known.values()))
            print(f"{len(known)}/{COUNT * len(WEIGHTS)} {cell.name}", file=sys.stderr)
    content = table(cells, {row["key"]: row["predicted"] for row in _read("predicted")}, list(known.values()))
    print(content)
    readme = FOLDER / "README.md"
    before, _, rest = readme.read_text("utf-8").partition(BEGIN)
    readme.write_text(f"{before}{BEGIN}\n\n{content}\n\n{END}{rest.partition(END)[2]}", "utf-8")


def table(cells: Sequence[Cell], rates: dict[str, float], measured: Sequence[dict[str, Any]]) -> str:
    """Return measured/predicted by loss and normaliser, of single runs and of the seeds' geometric means."""
    kinds = {cell.key: cell.kinds for cell in cells}
    lines = [
        "| runs | quantity | runs, cells | geometric mean | range | runs within 1.5 / 2 / 3 | cells within 2 |",
        "|---|---|--:|--:|--:|--:|--:|",
    ]
    for loss in (True, False):
        for norm in (True, False):
            keys = {
                key
                for key, kind in kinds.items()
                if (kind["loss"] == "cross_entropy") == loss and (kind["normaliser"] == "none") != norm
            }
            name = f"{'cross-entropy' if loss else 'squared errors'}, {'normaliser' if norm else 'none'}"
            lines += _rows(name, keys, rates, measured)
    return "\n".join([*lines, *_rows("all", set(kinds), rates, measured)])


def _rows(name: str, keys: set[str], rates: dict[str, float], measured: Sequence[dict[str, Any]]) -> list[str]:
    lines = []
    for title, quantity in (("first step", "first"), ("first ten", "ten")):
        runs = [(row["key"], (row[quantity] or np.inf) / rates[row["key"]]) for row in measured if row["key"] in keys]
        if not runs:
            continue
        by_cell = [np.exp(np.mean([np.log(ratio) for key, ratio in runs if key == one])) for one in keys]
        ratios, cell = np.array([ratio for _, ratio in runs]), np.array(by_cell)
        within = " / ".join(f"{_share(ratios, factor):.2f}" for factor in (1.5, 2.0, 3.0))
        middle = np.exp(np.log(ratios[np.isfinite(ratios)]).mean())
        ends = f"{ratios.min():.2g} - {ratios.max():.2g}"
        lines.append(
            f"| {name} | {title} | {len(ratios)}, {len(cell)} | {middle:.2f} | {ends} | {within} | {_share(cell, 2.0):.2f} |"
        )
    return lines


def _share(ratios: np.ndarray[Any, Any], factor: float) -> float:
    return float((np.abs(np.log(ratios)) <= np.log(factor)).mean())


def _read(name: str) -> list[dict[str, Any]]:
    path = RESULTS / f"{name}.jsonl"
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []


def _write(name: str, rows: Sequence[dict[str, Any]]) -> None:
    text = "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows)
    (RESULTS / f"{name}.jsonl").write_text(text, "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
