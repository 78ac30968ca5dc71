"""The real entry point, in a process of its own, on the examples."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
FC = EXAMPLES / "wei2019-fc.yaml"
SPECS = sorted(EXAMPLES.glob("*.yaml"))


def lrbound(*arguments: object, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lrbound", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, **environment},
    )


def test_there_are_examples():
    assert len(SPECS) >= 4


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.stem)
def test_every_example_has_a_prediction_and_states_a_rate_that_is_within_its_bound(spec):
    """Every layer has a part of its own."""
    done = lrbound("check", spec, "--format", "json")

    assert (done.returncode, done.stderr) == (0, "")
    answer = json.loads(done.stdout)["prediction"]
    assert answer["name"] == spec.stem
    assert answer["max_learning_rate"] > 0
    assert math.isfinite(answer["lambda_max"])
    assert all(layer["lambda"] >= 0 for layer in answer["layers"])


def test_the_text_shows_the_rate():
    done = lrbound("predict", FC)

    assert done.returncode == 0
    assert done.stdout.startswith("Start at 0.0")
    assert "\nwei2019-fc (mean-field)\n" in done.stdout
    assert "\nmax learning rate          0.0" in done.stdout
    assert "\x1b" not in done.stdout


def test_options_change_what_is_assumed():
    done = lrbound(
        "predict", FC, "--format", "json", "--batch-size", "full", "--momentum", "0", "--loss", "mse",
        "--batch-statistics", "frozen",
    )  # fmt: skip
    assumed = json.loads(done.stdout)["assumptions"]

    assert (assumed["batch_size"], assumed["momentum"], assumed["loss"]) == ("full", 0.0, "mse")
    assert assumed["batch_statistics"] == "frozen"


def test_halving_gamma_raises_the_rate():
    def rate(*arguments: str) -> float:
        return json.loads(lrbound("predict", FC, "--format", "json", *arguments).stdout)["max_learning_rate"]

    assert rate("--set", "layers.*.batch_norm.gamma=0.5") > 2 * rate()


def test_a_spec_from_stdin_is_the_same():
    from_file = lrbound("predict", FC, "--format", "json")
    from_stdin = lrbound("predict", "-", "--format", "json", stdin=FC.read_text())

    assert from_stdin.stdout == from_file.stdout


@pytest.mark.parametrize(("rate", "status"), [("1e-6", 0), ("10", 1)])
def test_check_answers_by_its_status(rate, status):
    assert lrbound("check", FC, "--lr", rate).returncode == status


@pytest.mark.parametrize(
    "arguments",
    [
        ("predict", "no-such-file.yaml"),
        ("predict", EXAMPLES / "results"),
        ("predict", FC, "--batch-size", "many"),
        ("predict", FC, "--set", "no.such.field=1"),
        ("check", FC, "--lr", "fast"),
    ],
)
def test_bad_input_has_status_2_and_no_traceback(arguments):
    done = lrbound(*arguments)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.strip()
    assert "Traceback" not in done.stderr


def test_a_spec_with_two_errors_shows_both_with_a_place():
    text = "version: 1\ninput: {shape: [3, 8, 8]}\nlayers:\n  - conv2d: {channels: 4, kernel: -3}\n  - batchnorm\n"
    done = lrbound("predict", "-", stdin=text)

    assert (done.returncode, done.stdout) == (2, "")
    assert "4:35: conv2d: 'kernel' must be" in done.stderr
    assert "5:5: unknown layer 'batchnorm'; did you mean 'batch_norm'?" in done.stderr


def test_a_closed_pipe_is_quiet():
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as closed:
        done = subprocess.run(
            [sys.executable, "-m", "lrbound", "predict", FC, "--format", "json"],
            stdout=closed,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=120,
        )

    assert (done.returncode, done.stderr) == (0, "")


def test_the_function_keeps_its_name_beside_its_module():
    code = "import lrbound; from lrbound.predictor import Refused; assert callable(lrbound.predict) and lrbound.load"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120)

    assert (done.returncode, done.stderr) == (0, "")


def test_a_layer_that_the_theory_has_no_answer_for_is_refused_with_its_place(tmp_path):
    spec = tmp_path / "net.yaml"
    spec.write_text(
        "version: 1\ninput: {shape: [3, 16, 16]}\nlayers:\n"
        "- residual:\n  - conv2d: {channels: 3, kernel: 3, padding: 1}\n  - avg_pool2d: 1\n  - dropout: 0.1\n  - max_pool2d: {kernel: 3, stride: 1, padding: 1}\n"
        "- flatten\n- linear: 2\n"
    )
    done = lrbound("predict", spec, "--batch-size", "8")

    assert done.returncode == 2
    assert done.stderr.startswith(f"{spec}:8:5: max_pool2d needs the law")
