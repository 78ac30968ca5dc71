# ruff: noqa: INP001 - a script
"""Where training diverges, beside the predictions, for a table of networks on scikit-learn's digits.

    python examples/boundaries.py            train what is missing, rewrite the table in examples/README.md
    python examples/boundaries.py bn-        only the networks whose names begin so

Runs are kept in examples/results/boundary/, so that what was stopped goes on where it was.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import lrbound
from lrbound.empirical.boundary import find_boundary
from lrbound.empirical.datasets import load_data
from lrbound.empirical.runner import Runner
from lrbound.empirical.store import RunStore

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "boundary"
README = HERE / "README.md"
BEGIN, END = "<!-- boundary:begin -->", "<!-- boundary:end -->"
SEEDS = (0, 1)
FULL_SAMPLES = 1024
TITLES = (
    "network", "batch", "momentum", "boundary", "loss grows from", "boundary / max_learning_rate",
    "boundary / bounds.curvature (full batch)",
)  # fmt: skip

DENSE = "{linear: 300}, %s, {linear: 300}, %s, {linear: 300}, %s, {linear: 10}"
CONV = (
    "{conv2d: {channels: 30, kernel: 3, padding: 1}}, %s, {conv2d: {channels: 60, kernel: 3, stride: 2, padding: 1}}, "
    "%s, {conv2d: {channels: 90, kernel: 3, stride: 2, padding: 1}}, %s, flatten, {linear: 10}"
)
LARGE_MAP = CONV.replace("channels: 90, kernel: 3, stride: 2", "channels: 90, kernel: 3")
"""The last map is 4x4: on 2x2 instance norm has 3 values a set, too few for a mean of 1/variance that can be measured."""
DENSE_NORMS = {
    "layer": "layer_norm, relu",
    "rms": "rms_norm, relu",
    "positional": "positional_norm, relu",
    "group": "{group_norm: 30}, relu",
    "batch_group": "{batch_group_norm: 30}, relu",
    "cross_iteration": "cross_iteration_batch_norm, relu",
    "instance_enhancement": "instance_enhancement_batch_norm, relu",
    "proxy": "{layer_norm: {learnable: false}}, proxy_norm",
}
"""Besides batch norm; instance norm is undefined on flat features. 30 groups of 10 features."""
CONV_NORMS = {
    "batch": "batch_norm, relu",
    "instance": "instance_norm, relu",
    "layer": "layer_norm, relu",
    "group": "{group_norm: 15}, relu",
    "batch_group": "{batch_group_norm: 15}, relu",
}
"""15 groups of 2, 4 and 6 channels."""
TITLED = {
    "cross_iteration": "cross-iteration batch norm",
    "instance_enhancement": "instance enhancement batch norm",
    "proxy": "layer norm and proxy norm",
}
WEI = "{weight_variance: 2.0, bias_variance: 0.5}"


def spec(name: str, body: str, block: str, *, init: str = WEI, shape: str = "[64]") -> str:
    """Return the text of a spec whose three hidden layers are each followed by ``block``."""
    layers = body.replace("%s", block)
    return (
        f"version: 1\nname: {name}\ninput: {{shape: {shape}, correlation: 0.48}}\ninit: {init}\n"
        f"training: {{optimizer: {{name: sgd}}}}\nlayers: [{layers}]\n"
    )


def cases() -> dict[str, tuple[str, str, str, float]]:
    """Return {name: (what the table calls it, spec, batch, momentum)}."""

    def bn(gamma: float) -> str:
        return f"{{batch_norm: {{gamma: {gamma}}}}}, relu"

    found: dict[str, tuple[str, str, str, float]] = {}

    def add(name: str, title: str, text: str, batch: str, momentum: float) -> None:
        found[f"{name}-b{batch}-mu{momentum:g}"] = (title, text, batch, momentum)

    for gamma in (0.1, 0.5, 1.0, 2.0, 4.0):
        name = f"bn-gamma{gamma:g}"
        add(name, f"dense, BN gamma {gamma:g}, relu", spec(name, DENSE, bn(gamma)), "128", 0.9)
    everywhere = tuple(itertools.product((0.9, 0.0), ("8", "32", "128", "full")))
    for momentum, batch in everywhere:
        add("bn-gamma1", "dense, BN gamma 1, relu", spec("bn-gamma1", DENSE, bn(1.0)), batch, momentum)
    for momentum, batch in everywhere:
        add("tanh", "dense, tanh", spec("tanh", DENSE, "tanh", init="lecun"), batch, momentum)
    for batch, momentum in (("128", 0.9), ("128", 0.0), ("full", 0.9)):
        add("relu", "dense, relu, no BN", spec("relu", DENSE, "relu"), batch, momentum)
    for name, title, block in (
        ("conv-bn", "conv, BN gamma 1, relu", bn(1.0)),
        ("conv-relu", "conv, relu, no BN", "relu"),
    ):
        add(name, title, spec(name, CONV, block, shape="[1, 8, 8]"), "128", 0.9)
    for name, title, text in norm_nets():
        add(name, title, text, "128", 0.9)
    return found


def norm_nets() -> Iterator[tuple[str, str, str]]:
    """Yield name, title and spec of a net with each normaliser."""
    for norm, block in DENSE_NORMS.items():
        name = f"norm-{norm}"
        yield name, f"dense, {_words(norm)}", spec(name, DENSE, block)
    for norm, block in CONV_NORMS.items():
        name = f"norm-conv-{norm}"
        yield name, f"conv on a 4x4 map, {_words(norm)}", spec(name, LARGE_MAP, block, shape="[1, 8, 8]")


def _words(norm: str) -> str:
    return TITLED.get(norm, norm.replace("_", " ") + " norm")


def measure(text: str, batch: str, momentum: float, store: RunStore) -> dict[str, object]:
    """Return the JSON of `lrbound boundary` with the ratio to the curvature bound of a full batch."""
    changes = [("training.batch_size", batch), ("training.optimizer.momentum", str(momentum))]
    network = lrbound.parse(text, overrides=changes)
    large = lrbound.predict(lrbound.parse(text, overrides=[*changes, ("training.batch_size", "full")]))
    data = load_data(network, "digits", samples=FULL_SAMPLES if batch == "full" else None)
    runner = Runner(data, store, jobs=os.cpu_count())
    result = find_boundary(network, lrbound.predict(network, full_batch=len(data)), runner, seeds=SEEDS)
    rate, curvature = result.learning_rate, large.bounds.curvature
    return {**result.to_json(), "ratio_full_batch": rate / curvature if rate and curvature else None}


def table_row(title: str, batch: str, momentum: float, result: dict[str, object]) -> str:
    """Return a line of the Markdown table."""
    boundary = result["boundary"]
    assert isinstance(boundary, dict)
    cells = [
        title,
        batch,
        f"{momentum:g}",
        _number(boundary["learning_rate"], ".3g"),
        _number(boundary["onset"], ".3g"),
    ]
    cells += [_number(result["ratio"], ".2f"), _number(result["ratio_full_batch"], ".2f")]
    return f"| {' | '.join(cells)} |"


def _number(value: object, form: str) -> str:
    return format(value, form) if isinstance(value, float) else "-"


def put_into_readme(table: str) -> None:
    """Replace what stands between the markers, or append the markers with the table."""
    text = README.read_text("utf-8")
    block = f"{BEGIN}\n{table}\n{END}"
    if BEGIN in text and END in text:
        head, _, rest = text.partition(BEGIN)
        text = head + block + rest.partition(END)[2]
    else:
        text = f"{text.rstrip()}\n\n{block}\n"
    README.write_text(text, "utf-8")


def main(prefix: str = "") -> None:
    """Train what is missing; write the results and, where all are there, the table."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    store = RunStore(RESULTS / "runs.jsonl")
    lines = [f"| {' | '.join(TITLES)} |", "|---|" + "---:|" * (len(TITLES) - 1)]
    for name, (title, text, batch, momentum) in cases().items():
        if not name.startswith(prefix):
            continue
        start = time.monotonic()
        result = measure(text, batch, momentum, store)
        (RESULTS / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n", "utf-8")
        lines.append(table_row(title, batch, momentum, result))
        print(f"{lines[-1]}  {name}, {time.monotonic() - start:.0f} s", flush=True)
    if not prefix:
        put_into_readme("\n".join(lines))


if __name__ == "__main__":
    main(*sys.argv[1:])
