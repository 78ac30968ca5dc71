"""What a valid spec becomes."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

import pytest

from lrbound.activations.relu import Relu
from lrbound.init import NAMED, Init
from lrbound.input_law import Input
from lrbound.layers.batch_norm import BatchNorm
from lrbound.layers.conv2d import Conv2d
from lrbound.layers.linear import Linear
from lrbound.layers.repeat import Repeat
from lrbound.optimizers.sgd import SGD
from lrbound.spec import SpecError, load, parse

if TYPE_CHECKING:
    from pathlib import Path

# every section of a spec, with its values
EXAMPLE = """\
version: 1                       # of this format; required
name: wei2019-fc                 # optional; defaults to the file's stem
input:
  shape: [784]                   # [features] or [channels, height, width]; required
  mean_square: 1.0               # E[x_i^2]; default 1
  correlation: 0.0               # E[x_i y_i] / E[x_i^2] for two different samples x, y; default 0
init: {weight_variance: 2.0, bias_variance: 0.5}
                                 # sigma_w^2 (weights ~ N(0, sigma_w^2/fan_in)) and sigma_b^2; or one of the names
                                 # pytorch (default: what torch.nn.Linear / Conv2d do), he, lecun, xavier (these three:
                                 # zero bias; he = 2, lecun = 1 over fan_in). A layer may override it with its own `init`.
training:
  loss: half_squared_error       # 1/2 * sum over outputs, mean over samples (default, the papers' convention)
                                 # | mse (mean over outputs and samples, torch.nn.MSELoss) | cross_entropy (mean over samples)
  batch_size: 128                # samples in one step; "full" (default) = so many that 1/batch_size is 0
  optimizer: {name: sgd, momentum: 0.9, nesterov: false, weight_decay: 0.0, learning_rate: 0.02}
                                 # default: sgd, momentum 0; learning_rate is what `check` checks
layers:
  - linear: 1000                 # a one-argument layer takes its main argument directly …
  - batch_norm: {gamma: 1.0}     # … or its arguments by name
  - relu                         # a layer with no argument is just its name
  - repeat: {times: 2, layers: [{linear: 1000}, {batch_norm: {gamma: 1.0}}, relu]}
  - linear: 10
"""
SHORT = "version: 1\ninput: {shape: [8]}\nlayers:\n"


def test_example() -> None:
    """The example of the format's description gives exactly the network that it describes."""
    net = parse(EXAMPLE)

    assert (net.name, net.input, net.init) == ("wei2019-fc", Input((784,)), Init(2.0, 0.5))
    assert (net.training.loss.kind, net.training.batch_size) == ("half_squared_error", 128)
    assert net.training.optimizer == SGD(momentum=0.9, learning_rate=0.02)
    assert net.output_shape == (10,)
    repeat = net.nodes[3].layer
    assert isinstance(repeat, Repeat)
    assert repeat.times == 2
    inner = [(node.path, node.layer) for node in repeat.layers]
    assert inner == [
        ("layers.3.repeat.layers.0", Linear(features=1000)),
        ("layers.3.repeat.layers.1", BatchNorm()),
        ("layers.3.repeat.layers.2", Relu()),
    ]
    assert [node.layer for node in net.nodes] == [
        Linear(features=1000),
        BatchNorm(),
        Relu(),
        repeat,
        Linear(features=10),
    ]


def test_places_of_nodes() -> None:
    """A node knows line and column of its layer's name."""
    net = parse(EXAMPLE)
    lines = EXAMPLE.splitlines()
    for node in net.nodes:
        assert lines[node.line - 1][node.column - 1 :].startswith(node.layer.kind)


def test_defaults() -> None:
    """What a spec leaves out is PyTorch's initialisation, half the squared error, a full batch and plain SGD."""
    net = parse(f"{SHORT}  - linear: 3\n", name="x")
    assert (net.name, net.init, net.training.batch_size) == ("x", NAMED["pytorch"], None)
    assert (net.training.loss.kind, net.training.optimizer) == ("half_squared_error", SGD())


@pytest.mark.parametrize(
    ("item", "layer"),
    [
        ("linear: 3", Linear(features=3)),
        ("linear: {features: +3, bias: False}", Linear(features=3, bias=False)),
        ("linear: {features: 003, init: lecun}", Linear(features=3, init=Init(1.0))),
        ("linear: {features: 3, init: {weight_variance: 2}}", Linear(features=3, init=Init(2.0))),
        ("linear: {features: 3, init: ~}", Linear(features=3)),
        ('"linear": 3', Linear(features=3)),
        ("batch_norm", BatchNorm()),
        ("batch_norm:", BatchNorm()),
        ("batch_norm: {}", BatchNorm()),
        ("batch_norm: -.5", BatchNorm(gamma=-0.5)),
        ("batch_norm: {eps: 1e-5, gamma: 2}", BatchNorm(gamma=2.0, eps=1e-5)),
    ],
)
def test_forms_of_a_layer(item: str, layer: object) -> None:
    """Name, main argument, arguments by name; numbers by YAML 1.2, so that 1e-5 is one."""
    assert parse(f"{SHORT}  - {item}\n  - linear: 1\n").nodes[0].layer == layer


def test_numbers_have_the_declared_type() -> None:
    """An integer where a number is due becomes a float."""
    layer = parse(f"{SHORT}  - linear: 3\n  - batch_norm: 2\n").nodes[1].layer
    assert isinstance(layer, BatchNorm)
    assert type(layer.gamma) is float


def test_image() -> None:
    """Shapes are followed through convolutions to a flat output."""
    text = "version: 1\ninput: {shape: [3, 32, 32]}\nlayers: [conv2d: {channels: 4, kernel: 3}, global_avg_pool]\n"
    net = parse(text)
    assert net.nodes[0].layer == Conv2d(channels=4, kernel=3)
    assert net.output_shape == (4,)


def test_alias_shares_a_block() -> None:
    """Anchors and aliases are there to say a thing once."""
    net = parse(f"{SHORT}  - &block {{linear: 8}}\n  - *block\n  - linear: {{features: 2, init: &i he}}\ninit: *i\n")
    assert net.nodes[0].layer == net.nodes[1].layer == Linear(features=8)
    assert [node.path for node in net.nodes] == ["layers.0", "layers.1", "layers.2"]
    assert net.init == NAMED["he"]


def test_optional_blocks_may_be_empty() -> None:
    """A key whose contents have been commented out has its default."""
    net = parse(f"{SHORT}  - linear: 3\ntraining:\ninit:\nname:\n", name="n")
    assert (net.name, net.init, net.training.batch_size) == ("n", NAMED["pytorch"], None)


@pytest.mark.parametrize("text", ['"full"', "full"])
def test_full_batch(text: str) -> None:
    """``full`` is a batch without end."""
    assert parse(f"{SHORT}  - linear: 3\ntraining: {{batch_size: {text}}}\n").training.batch_size is None


def test_without_the_c_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    """PyYAML's own parser, where libyaml is missing, gives the same network."""
    import yaml

    fast = parse(EXAMPLE)
    monkeypatch.delattr(yaml, "CSafeLoader", raising=False)
    assert parse(EXAMPLE).nodes == fast.nodes


def test_equal_shapes_are_not_unrolled(monkeypatch: pytest.MonkeyPatch) -> None:
    """A repeat that keeps its shape is followed once, so that 90 000 copies cost no more than two."""
    seen: list[tuple[int, ...]] = []
    shape_of = Linear.output_shape

    def counted(self: Linear, shape: tuple[int, ...]) -> tuple[int, ...]:
        seen.append(shape)
        return shape_of(self, shape)

    monkeypatch.setattr(Linear, "output_shape", counted)
    parse(f"{SHORT}  - repeat: {{times: 90000, layers: [linear: 5]}}\n")
    assert seen == [(8,), (5,)]


def test_load_takes_the_stem_as_name(tmp_path: Path) -> None:
    """A byte order mark is no part of the text, and the file's stem names the network."""
    path = tmp_path / "net.v2.yaml"
    path.write_text(f"\ufeff{SHORT}  - linear: 3\n", encoding="utf-8")
    assert load(path).name == "net.v2"
    assert load(str(path), overrides=[("name", "other")]).name == "other"


def test_load_from_stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    """``-`` is the standard input, also in messages."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(f"{SHORT}  - linear: 3\n".encode())))
    assert load("-").name == "stdin"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"hello")))
    with pytest.raises(SpecError, match=r"^<stdin>:1:1: a spec is a mapping, got the text 'hello'"):
        load("-")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"a: \xff\n", "not UTF-8 text (byte 4 is 0xff)"),
        (b" " * 1_000_001, "larger than 1000000 bytes; a spec is a small text"),
    ],
)
def test_unreadable_files(tmp_path: Path, content: bytes | None, expected: str) -> None:
    """One line says what is wrong with the file."""
    path = tmp_path / "a.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SpecError) as caught:
        load(path)
    assert str(caught.value) == f"{path}: {expected}"


def test_odd_file_names(tmp_path: Path) -> None:
    """A folder, a NUL and an escape in a name end in one line that prints."""
    for path, expected in (
        (str(tmp_path), f"{tmp_path}: cannot be read: Is a directory"),
        ("a\0b", "a\\x00b: cannot be read: not a file name"),
        ("a\x1bb", "a\\x1bb: cannot be read: No such file or directory"),
    ):
        with pytest.raises(SpecError) as caught:
            load(path)
        assert str(caught.value) == expected
