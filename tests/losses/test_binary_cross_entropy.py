"""Sigmoid cross-entropy of one and of several outputs.

Provenance of MEASURED: means of 16 initialisations of the specs below by `lrbound measure` in float32 (seeds 0.. of seed 0),
each good to the standard error beside it. No constant was fitted to them.
"""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from typer.testing import CliRunner

from lrbound import parse, predict
from lrbound.cli.app import app
from lrbound.empirical.datasets import load_data
from lrbound.empirical.training import Cell, train
from lrbound.errors import Refused
from lrbound.losses.base import Logits
from lrbound.losses.binary_cross_entropy import BinaryCrossEntropy
from lrbound.losses.cross_entropy import CrossEntropy
from tests.nets import network


def dense(widths: tuple[int, ...], outputs: int, *, norm: str = "", activation: str = "relu") -> str:
    blocks = (f"- linear: {width}\n{norm and f'- {norm}'}\n- {activation}" for width in widths)
    return "\n".join([*blocks, f"- linear: {outputs}"])


def net(
    layers: str, *, shape: str, init: str, batch: int, correlation: float = 0.0, loss: str = "binary_cross_entropy"
):
    head = f"""
    input: {{shape: {shape}, correlation: {correlation}}}
    init: {init}
    training: {{loss: {loss}, batch_size: {batch}}}
    """
    return network(layers, head=head)


WITH_BIASES = "{weight_variance: 2.0, bias_variance: 0.1}"
TANH = "{weight_variance: 2.5, bias_variance: 0.3}"
MEASURED = {
    "one output, batch norm": (
        {"layers": dense((200, 200, 200), 1, norm="batch_norm"), "shape": "[100]", "init": WITH_BIASES, "batch": 64},
        7.136,
    ),
    "one output, tanh": (
        {
            "layers": dense((150, 150, 150), 1, activation="tanh"),
            "shape": "[60]",
            "init": TANH,
            "batch": 100,
            "correlation": 0.3,
        },
        15.64,
    ),
    "one output, logits of variance 10": (
        {
            "layers": dense((300, 300), 1, norm="batch_norm: 3"),
            "shape": "[100]",
            "init": "{weight_variance: 2.0, bias_variance: 1.0}",
            "batch": 64,
        },
        48.93,
    ),
    "five outputs": ({"layers": dense((200, 200), 5), "shape": "[100]", "init": "he", "batch": 64}, 6.392),
    "five outputs, gamma 2": (
        {
            "layers": dense((200, 200, 200), 5, norm="batch_norm: 2.0"),
            "shape": "[100]",
            "init": WITH_BIASES,
            "batch": 64,
        },
        4.921,
    ),
    "ten outputs, tanh": (
        {
            "layers": dense((150, 150, 150), 10, activation="tanh"),
            "shape": "[60]",
            "init": TANH,
            "batch": 100,
            "correlation": 0.3,
        },
        2.144,
    ),
    "fifty outputs": ({"layers": dense((200, 200), 50), "shape": "[100]", "init": "he", "batch": 32}, 0.8879),
}


@pytest.mark.parametrize("name", sorted(MEASURED))
def test_measured_networks(name: str) -> None:
    spec, value = MEASURED[name]

    assert predict(net(**spec)).lambda_max == pytest.approx(value, rel=0.1)


@pytest.mark.parametrize("outputs", [1, 4, 200])
def test_small_logits_give_a_quarter_over_the_outputs(outputs: int) -> None:
    head = f"- linear: {{features: {outputs}, init: {{weight_variance: 1.0e-6, bias_variance: 0.0}}}}"
    layers = f"- linear: 200\n- relu\n- linear: 200\n- relu\n{head}"
    found, squared = (
        predict(net(layers, shape="[100]", init="he", batch=32, loss=loss)).lambda_max
        for loss in ("binary_cross_entropy", "half_squared_error")
    )

    assert found == pytest.approx(squared / (4.0 * outputs), rel=0.01)


@pytest.mark.parametrize(("q", "q_xy"), [(0.5, 0.0), (4.0, 2.0), (25.0, 25.0)])
def test_the_factor_of_one_output_is_an_integral(q: float, q_xy: float) -> None:
    """One output: E p (1 - p) over logits of variance q, whatever they have in common."""
    z, weight = np.polynomial.hermite_e.hermegauss(120)
    expected = weight @ (0.25 / np.cosh(0.5 * math.sqrt(q) * z) ** 2) / weight.sum()

    assert BinaryCrossEntropy().factor(Logits(q, q_xy, 1)) == pytest.approx(expected, rel=0.03)


def test_two_labels_of_one_class_each_are_the_softmax_of_two() -> None:
    """A softmax of two outputs is a sigmoid of their difference, whose variance is twice as large: Q = 2 p (1 - p)."""
    one = BinaryCrossEntropy().factor(Logits(2.0, 1.0, 1))
    two = CrossEntropy().factor(Logits(1.0, 0.5, 2))

    assert two == pytest.approx(2.0 * one, rel=0.03)


TINY = """
version: 1
name: tiny
input: {shape: [6]}
init: {weight_variance: 2.0, bias_variance: 0.1}
training: {loss: binary_cross_entropy, batch_size: 16, optimizer: {momentum: 0.9}}
layers: [{linear: 24}, batch_norm, relu, {linear: 1}]
"""


def test_measure_agrees_with_the_formula_on_the_command_line(tmp_path) -> None:
    path = tmp_path / "tiny.yaml"
    path.write_text(TINY.replace("24", "200"))
    result = CliRunner().invoke(app, ["measure", str(path), "--seeds", "12", "--format", "json"])

    assert result.exit_code == 0
    assert json.loads(result.stdout)["ratio"] == pytest.approx(1.0, abs=0.15)


@pytest.mark.parametrize("outputs", [1, 3])
def test_a_teacher_gives_bits_and_a_network_learns_them(outputs: int) -> None:
    one = parse(TINY.replace("{linear: 1}", f"{{linear: {outputs}}}"))
    data = load_data(one, samples=200)
    run = train(Cell(one, predict(one).recommended_learning_rate, seed=0, steps=200), data)

    assert data.y.shape == (200, outputs)
    assert set(np.unique(data.y)) == {0.0, 1.0}
    assert run.final < 0.5 * run.initial
    assert not run.diverged


def test_classes_of_a_file_become_bits_and_other_numbers_are_refused(tmp_path) -> None:
    path = str(tmp_path / "data.npz")
    x = np.ones((4, 6))
    one, three = parse(TINY), parse(TINY.replace("{linear: 1}", "{linear: 3}"))
    np.savez(path, x=x, y=np.array([0, 1, 1, 0]))
    single, several = load_data(one, path).y.tolist(), load_data(three, path).y.tolist()
    np.savez(path, x=x, y=np.array([0.0, 1.0, 2.0, 0.0]))

    assert single == [[0.0], [1.0], [1.0], [0.0]]
    assert several[1] == [0.0, 1.0, 0.0]
    with pytest.raises(Refused, match=r"y must be from 0 to 1 for binary_cross_entropy; got 0 to 2"):
        load_data(one, path)


def test_the_published_formulas_refuse_it() -> None:
    one = parse("version: 1\ninput: {shape: [6]}\ntraining: {loss: binary_cross_entropy}\nlayers: [{linear: 1}]")

    with pytest.raises(Refused, match="knows squared errors only; use --method mean-field for binary_cross_entropy"):
        predict(one, method="wei2019")
