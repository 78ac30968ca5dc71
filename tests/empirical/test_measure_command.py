from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

from lrbound.cli.app import app
from lrbound.empirical import measure as module
from lrbound.empirical import memory


def run(*arguments: str):
    return CliRunner().invoke(app, ["measure", *map(str, arguments)], prog_name="lrbound")


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)


def messages(shown):
    return [warning["message"] for warning in shown["prediction"]["warnings"]]


@pytest.fixture
def interrupted(monkeypatch):
    """Let Ctrl-C be pressed in the initialisation after so many."""

    def arrange(after: int) -> None:
        calls = []
        original = module.measure_one

        def measure_one(*arguments):
            calls.append(arguments)
            if len(calls) > after:
                raise KeyboardInterrupt
            return original(*arguments)

        monkeypatch.setattr(module, "measure_one", measure_one)

    return arrange


def test_from_the_shell_to_json(small_spec):
    done = python("-m", "lrbound", "measure", str(small_spec), "--seeds", "3", "--format", "json", "--per-layer")
    shown = json.loads(done.stdout)

    assert (done.returncode, done.stderr) == (0, "")
    assert list(shown) == ["schema_version", "prediction", "measured", "ratio", "layers"]
    assert list(shown["measured"]) == ["lambda_max", "std", "values", "inside_interval"]
    assert len(shown["measured"]["values"]) == 3
    assert shown["ratio"] == shown["prediction"]["lambda_max"] / shown["measured"]["lambda_max"]
    assert [layer["path"] for layer in shown["layers"]] == ["layers.0", "layers.1", "layers.3"]
    parts = sum(layer["measured"] for layer in shown["layers"])
    assert parts == pytest.approx(shown["measured"]["lambda_max"], rel=1e-6)


def test_without_torch_it_says_what_to_install(small_spec):
    code = (
        "import sys; sys.modules['torch'] = None\n"
        f"from lrbound.cli.app import run; raise SystemExit(run(['measure', {str(small_spec)!r}]))"
    )
    done = python("-c", code)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "lrbound measure needs PyTorch: pip install 'lrbound[torch]'\n"


def test_text_has_the_comparison_on_stdout_and_warnings_on_stderr(small_spec):
    result = run(small_spec, "--seeds", "2")

    assert result.exit_code == 0
    assert result.stdout.startswith("small (mean-field), 2 initialisations on 8 samples each\n\nlambda_max predicted")
    assert all(line.startswith(("warning[LRB", "note[LRB", "lrbound explain ")) for line in result.stderr.splitlines())


def test_the_seed_and_the_options_of_predict_reach_the_measurement(small_spec):
    plain, same, other, mse, frozen, doubled = (
        json.loads(run(small_spec, "--seeds", "1", "--format", "json", *options).stdout)["measured"]["lambda_max"]
        for options in (
            [], [], ["--seed", "1"], ["--loss", "mse"], ["--batch-statistics", "frozen"], ["--dtype", "float64"],
        )
    )  # fmt: skip

    assert plain == same
    assert plain != other
    assert mse == pytest.approx(plain * 2 / 3, rel=1e-5)
    assert frozen != pytest.approx(plain, rel=0.01)
    assert doubled == pytest.approx(plain, rel=1e-4)


def test_samples_of_another_number_than_the_batch_are_said(small_spec):
    result = run(small_spec, "--samples", "20")

    assert "on 20 samples each" in result.stdout
    assert "warning[LRB071]: measured on 20 samples; the prediction is for a batch of 8\n" in result.stderr


def test_a_full_batch_is_said_in_the_json_too(small_spec):
    shown = json.loads(run(small_spec, "--batch-size", "full", "--seeds", "1", "--format", "json").stdout)

    assert "the full batch is taken as 256 samples" in messages(shown)
    assert shown["measured"]["std"] is None
    assert "measured.std is null: one initialisation has no spread" in messages(shown)


def test_data_from_a_file(small_spec, tmp_path):
    path = tmp_path / "data.npy"
    np.save(path, 3.0 + np.random.default_rng(0).standard_normal((50, 6)))
    result = run(small_spec, "--data", path)

    assert result.exit_code == 0
    assert "warning[LRB076]: the data has mean_square" in result.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--data", "none.npy"], "error: none.npy: cannot be read: No such file or directory\n"),
        (["--samples", "1"], "error: the network does not run on 1 samples: Expected more than 1 value"),
        (["--seeds", "0"], "Invalid value for '--seeds'"),
        (["--dtype", "float16"], "Invalid value for '--dtype': 'float16' is not one of 'float32', 'float64'"),
        (["--batch-size", "0"], "'batch_size' must be a positive integer"),
    ],
)
def test_what_cannot_be_measured_has_status_2_and_nothing_on_stdout(small_spec, options, message):
    result = run(small_spec, *options)

    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr


def test_what_does_not_fit_is_refused_with_advice(small_spec, monkeypatch):
    monkeypatch.setattr(memory, "available", lambda device: 1000)
    result = run(small_spec, "--dtype", "float64")

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("error: measuring on 8 samples needs about 0.125 GiB")
    assert result.stderr.endswith("use fewer samples (--samples) or --dtype float32\n")


def test_ctrl_c_keeps_what_is_done(small_spec, interrupted):
    whole = json.loads(run(small_spec, "--format", "json").stdout)
    interrupted(after=2)
    result = run(small_spec, "--format", "json")
    shown = json.loads(result.stdout)

    assert result.exit_code == 130
    assert result.stderr == ""
    assert shown["measured"]["values"] == whole["measured"]["values"][:2]
    assert "interrupted after 2 of 4 initialisations" in messages(shown)


def test_ctrl_c_before_the_first_is_done_leaves_nothing_to_show(small_spec, interrupted):
    interrupted(after=0)
    result = run(small_spec)

    assert (result.exit_code, result.stdout) == (130, "")
    assert result.stderr == "interrupted before the first initialisation was done\n"


MODELS = """
import torch
from torch import nn

def build(units: int = 64):
    print("built")
    return nn.Sequential(nn.Flatten(), nn.Linear(12, units), nn.BatchNorm1d(units), nn.ReLU(), nn.Linear(units, 5))

class Answer(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = build()

    def forward(self, x):
        return {"logits": self.net(x)}

model = Answer()
"""


@pytest.fixture
def models(tmp_path):
    path = tmp_path / "models.py"
    path.write_text(MODELS)
    return path


def measured(*arguments: str):
    done = run(*arguments, "--input", "3,2,2", "--batch-size", "32", "--format", "json")
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


def test_a_model_is_measured_itself_and_not_what_it_is_read_as(models, monkeypatch):
    monkeypatch.setattr(module, "to_torch", None)  # the spec's own module is not built
    monkeypatch.setattr(memory, "require", lambda *_: None)
    monkeypatch.setattr(module, "require", lambda *_: None)

    shown = measured(f"{models}:build", "--seeds", "4", "--arg", "units=100")

    assert shown["prediction"]["assumptions"]["parameters"] == 12 * 100 + 100 + 200 + 505
    assert len(set(shown["measured"]["values"])) == 4
    assert shown["ratio"] == pytest.approx(1.0, abs=0.1)


def test_a_model_with_its_weights_is_one_initialisation(models):
    shown = measured(f"{models}:model", "--seeds", "2")

    assert shown["ratio"] == pytest.approx(1.0, abs=0.15)
    assert any("is one initialisation" in warning for warning in messages(shown))


def test_layers_of_a_model_have_no_paths_of_a_spec(models):
    done = run(f"{models}:build", "--input", "3,2,2", "--per-layer")
    assert done.exit_code == 2
    assert "--per-layer needs a spec" in done.stderr
