"""Broken specs of every kind end in a Network or a SpecError, never in anything else."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lrbound.network import Network
from lrbound.spec import SpecError, parse
from lrbound.spec.wording import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

VALID = (
    """version: 1
name: dense
input: {shape: [12], mean_square: 1.0, correlation: 0.1}
init: {weight_variance: 2.0, bias_variance: 0.5}
training:
  loss: mse
  batch_size: 128
  optimizer: {name: sgd, momentum: 0.9, nesterov: false}
layers:
  - linear: &width 10
  - batch_norm: {gamma: 1.0}
  - relu
  - repeat: {times: 2, layers: [{linear: *width}, batch_norm, relu]}
  - linear: {features: 3, init: he}
""",
    """version: 1
input:
  shape: [3, 16, 16]
init: lecun
layers:
- conv2d: {channels: 4, kernel: 3, padding: 1, padding_mode: circular}
- repeat:
    times: 3
    layers:
    - &pool {avg_pool2d: 2}
    - relu
- *pool
- flatten
- linear: 2
""",
)
PIECES = [
    *"[]{}:,-&*!|>'\"#%@?~ \n\t\r\0\x1b\x85\u2028\ufeff\ud800é",
    *["<<: ", "---\n", "...\n", "- ", "? ", "&a ", "*a ", "!!set ", "%YAML 1.1\n", "  ", "\n- ", "[[", "{a: "],
    *["0", "-1", "1e400", ".nan", "-.inf", "1e-5", "9" * 60, "0x10", "1_000", "true", "yes", "null", "''", "''''"],
    *[
        "linear",
        "repeat",
        "layers",
        "times",
        "init",
        "shape",
        "gamma",
        "residual",
        "base",
        "__init__",
        "full",
        "pytorch",
    ],
]
VALUES = [
    *[None, True, 0, 1, -1, 2, 10**9, 10**40, 0.5, -0.0, 1e300, float("nan"), float("inf"), "", "x", "1", "relu"],
    *["full", "he", "residual", [], {}, [1], [[]], ["relu"], {"relu": None}, {"x": 1}, {"linear": 3}],
    {"repeat": {"times": 10**6, "layers": [{"linear": 4}]}},
]
PATHS = [
    *["layers.0.linear", "layers.*.gamma", "layers.3.repeat.times", "layers.3.repeat.layers.0", "layers.*.*.features"],
    *[
        "init.weight_variance",
        "training.optimizer.momentum",
        "training.optimizer",
        "input.shape.0",
        "x",
        "version",
        ".",
    ],
]
MUTATIONS = settings(
    max_examples=300, derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)


def survives(text: str, overrides: list[tuple[str, str]]) -> None:
    """Check that a spec ends in a network that holds what it promises, or in messages fit for a terminal."""
    try:
        network = parse(text, overrides=overrides)
    except SpecError as error:
        refusal = error
    else:
        assert isinstance(network, Network)
        assert len(network.output_shape) == 1
        return
    assert refusal.diagnostics
    for line in str(refusal).split("\n"):
        assert printable(line) == line
        assert len(line) < 400


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every (collection, key) in a tree."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in items:
        yield value, key
        yield from places(child)


@st.composite
def texts(draw: st.DrawFn) -> str:
    text = draw(st.sampled_from(VALID))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        stop = start + draw(st.sampled_from([0, 0, 1, 2, 8, 40]))
        piece = draw(st.one_of(st.sampled_from([*PIECES, text[start:stop] * 2]), st.text(max_size=5)))
        text = text[:start] + piece + text[stop:]
    return text


@MUTATIONS
@given(texts())
def test_mutated_texts(text: str) -> None:
    """Pieces of text put in, taken out or doubled."""
    survives(text, [])


@st.composite
def trees(draw: st.DrawFn) -> str:
    tree = yaml.safe_load(draw(st.sampled_from(VALID)))
    for _ in range(draw(st.integers(1, 3))):
        everywhere = list(places(tree))
        collection, key = everywhere[draw(st.integers(0, len(everywhere) - 1))]
        action = draw(st.sampled_from(["value", "value", "move", "delete", "rename"]))
        if action == "delete":
            del collection[key]
        elif action == "rename" and isinstance(collection, dict):
            name = draw(st.sampled_from([place for _, place in everywhere if isinstance(place, str)]))
            collection[name] = collection.pop(key)
        elif action == "move":
            other, place = everywhere[draw(st.integers(0, len(everywhere) - 1))]
            collection[key] = yaml.safe_load(yaml.safe_dump(other[place]))
        else:
            collection[key] = copy.deepcopy(draw(st.sampled_from(VALUES)))
        if not list(places(tree)):
            break
    return yaml.safe_dump(tree, sort_keys=False)


@MUTATIONS
@given(trees())
def test_mutated_trees(text: str) -> None:
    """Values, keys and blocks replaced by others, taken out or doubled: texts that are YAML but often no spec."""
    survives(text, [])


def options() -> st.SearchStrategy[list[tuple[str, str]]]:
    path = st.one_of(
        st.sampled_from(PATHS), st.lists(st.sampled_from(["*", "0", "3", "layers", "repeat"])).map(".".join)
    )
    value = st.one_of(st.sampled_from(PIECES), st.sampled_from(VALUES).map(yaml.safe_dump), st.text())
    return st.lists(st.tuples(path, value), min_size=1, max_size=3)


@MUTATIONS
@given(st.sampled_from(VALID), options())
def test_mutated_options(text: str, overrides: list[tuple[str, str]]) -> None:
    """Paths and values from the command line, sensible and not."""
    survives(text, overrides)


def test_the_unmutated_specs_are_valid() -> None:
    """Mutations of specs that are refused anyway would prove little."""
    for text in VALID:
        assert parse(text).outputs in (2, 3)
