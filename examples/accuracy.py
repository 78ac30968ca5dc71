# ruff: noqa: INP001 - a script
"""Predicted against measured lambda_max for every spec of examples/zoo, as the table in examples/README.md.

Measures every spec that has no up-to-date result in the results folder, keeps one JSON file for each, and writes the table
between the markers of examples/README.md. A result belongs to a spec's content, the number of initialisations and the
seed: after a change of the theory nothing is measured again and only the table changes. What is done is kept when it is
stopped.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml

import lrbound
from lrbound.empirical.measurement import Measurement, Sample

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lrbound.network import Network

HERE = Path(__file__).parent
ZOO, RESULTS, README = HERE / "zoo", HERE / "results" / "accuracy", HERE / "README.md"
BEGIN, END = "<!-- accuracy:begin -->", "<!-- accuracy:end -->"
SEEDS, SEED = 12, 0
COLUMNS = ("spec", "predicted", "measured", "predicted / measured", "inside the interval")


def key(spec: Path, seeds: int, seed: int) -> str:
    """Return a hash of what determines a result; comments and layout of the spec are not in it."""
    return key_of(yaml.safe_load(spec.read_text("utf-8")), seeds, seed)


def key_of(spec: Any, seeds: int, seed: int) -> str:
    """Return the same of a spec that is already read."""
    return hashlib.sha256(json.dumps([spec, seeds, seed], sort_keys=True).encode()).hexdigest()[:16]


def measured(network: Network, seeds: int, seed: int) -> list[float]:
    """Return lambda_max of real initialisations, measured on one core, to six digits."""
    import torch

    from lrbound.empirical.measure import measure

    torch.set_num_threads(1)
    return [float(f"{sample.lambda_max:.6g}") for sample in measure(network, seeds=seeds, seed=seed)]


def stored(spec: Path, results: Path, expected: str) -> dict[str, Any] | None:
    """Return the result of a spec, or None where there is none or one of something else."""
    try:
        result: dict[str, Any] = json.loads((results / f"{spec.stem}.json").read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return result if result.get("key") == expected else None


def measure_spec(spec: Path, results: Path, seeds: int, seed: int) -> str:
    """Measure one spec on one core and keep the result; return its name."""
    result = {"key": key(spec, seeds, seed), "seeds": seeds, "seed": seed}
    result["values"] = measured(lrbound.load(spec), seeds, seed)
    results.mkdir(parents=True, exist_ok=True)
    draft = results / f"{spec.stem}.json.part"
    draft.write_text(json.dumps(result) + "\n", "utf-8")
    draft.replace(results / f"{spec.stem}.json")
    return spec.stem


def measure_all(specs: Sequence[Path], results: Path, seeds: int, seed: int, jobs: int) -> None:
    """Measure the specs that have no result, in parallel over processes."""
    from joblib import Parallel, delayed

    missing = [spec for spec in specs if stored(spec, results, key(spec, seeds, seed)) is None]
    parallel = Parallel(n_jobs=jobs, return_as="generator_unordered")
    done: Iterator[str] = parallel(delayed(measure_spec)(spec, results, seeds, seed) for spec in missing)
    for count, name in enumerate(done, 1):
        print(f"{count}/{len(missing)} {name}", file=sys.stderr)


def compare(specs: Sequence[Path], results: Path, seeds: int, seed: int) -> list[Measurement]:
    """Return the stored values of every spec next to the prediction of today."""
    measurements = []
    for spec in specs:
        result = stored(spec, results, key(spec, seeds, seed))
        if result is None:
            raise SystemExit(f"{spec}: has no result in {results} that belongs to it; run this without --table-only")
        network = lrbound.load(spec)
        batch = network.training.batch_size or 0
        samples = tuple(Sample(value, {}) for value in result["values"])
        measurements.append(Measurement(lrbound.predict(network), samples, batch))
    return measurements


def table(measurements: Sequence[Measurement]) -> str:
    """Return the Markdown that stands between the markers."""
    rows = [_row(m) for m in measurements]
    head = [f"| {' | '.join(COLUMNS)} |", "|---|--:|--:|--:|--:|"]
    return "\n".join([_summary(measurements), "", *head, *rows])


def _row(m: Measurement) -> str:
    inside = "-" if m.inside_interval is None else f"{m.inside_interval} of {len(m.values)}"
    cells = (m.prediction.name, _number(m.prediction.lambda_max), f"{_number(m.mean)} ± {_number(m.std or 0.0, 2)}",
             f"{m.ratio:.2f}", inside)  # fmt: skip
    return f"| {' | '.join(cells)} |"


def _summary(measurements: Sequence[Measurement]) -> str:
    errors = np.array([abs(m.ratio - 1.0) for m in measurements])
    worst = measurements[int(errors.argmax())].prediction.name
    counts = [(m.inside_interval, len(m.values)) for m in measurements if m.inside_interval is not None]
    coverage = "No interval is predicted yet."
    if counts:
        inside, total = (sum(count) for count in zip(*counts, strict=True))
        coverage = f"{inside} of {total} measured values ({inside / total:.0%}) lie inside the 90 % interval."
    return (
        f"{len(measurements)} networks, {len(measurements[0].values)} initialisations each. Error of the predicted "
        f"against the mean measured lambda_max: median {np.median(errors):.1%}, 90th percentile "
        f"{np.quantile(errors, 0.9):.1%}, worst {errors.max():.1%} ({worst}). {coverage}"
    )


def _number(value: float, digits: int = 4) -> str:
    text = f"{value:.{digits}g}"
    return f"{float(text):.0f}" if "e+" in text else text


def insert(document: str, content: str) -> str:
    """Return a document with ``content`` between its markers, which are added at the end where they are missing."""
    if BEGIN not in document or END not in document:
        document = f"{document.rstrip()}\n\n{BEGIN}\n{END}\n"
    before, _, rest = document.partition(BEGIN)
    return f"{before}{BEGIN}\n\n{content}\n\n{END}{rest.partition(END)[2]}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what is missing and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=SEEDS, help="initialisations of every spec (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=SEED, help="fixes them (default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=1, help="processes; -1 takes every core (default: %(default)s)")
    parser.add_argument("--zoo", type=Path, default=ZOO, help="folder of specs (default: examples/zoo)")
    parser.add_argument(
        "--results", type=Path, default=RESULTS, help="folder of results (default: examples/results/accuracy)"
    )
    parser.add_argument(
        "--readme", type=Path, default=README, help="document that shows the table (default: examples/README.md)"
    )
    parser.add_argument("--table-only", action="store_true", help="measure nothing, only write the table")
    given = parser.parse_args(arguments)
    specs = sorted(given.zoo.glob("*.yaml"))
    if not specs:
        parser.error(f"{given.zoo}: holds no specs")
    if given.seeds < 1:
        parser.error("--seeds must be at least 1")
    if not given.table_only:
        measure_all(specs, given.results, given.seeds, given.seed, given.jobs)
    content = table(compare(specs, given.results, given.seeds, given.seed))
    given.readme.write_text(insert(given.readme.read_text("utf-8"), content), "utf-8")
    print(content)


if __name__ == "__main__":
    main()
