"""``lrbound import``, and models where other verbs take a spec."""

from __future__ import annotations

import json
import os

import pytest
from typer.testing import CliRunner

import lrbound
from lrbound.cli.app import app

NETS = """\
import sys
import torch
from torch import nn

print("a script's own output")


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.fc, self.bn = nn.Linear(width, width), nn.BatchNorm1d(width)

    def forward(self, x):
        return x + torch.relu(self.bn(self.fc(x)))


def build(width=64, depth=3, classes=10, name="net"):
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(48, width), *(Block(width) for _ in range(depth)), nn.Linear(width, classes))


class Nets:
    small = build(32, 1)


def fails():
    return Block("wide")


def recurrent():
    return nn.Sequential(nn.Flatten(), nn.Linear(48, 8), nn.Tanhshrink(), nn.Softsign(), nn.Linear(8, 2))


def nothing():
    pass


def leaves():
    sys.exit("usage: train.py DATA")


number = 3
"""


@pytest.fixture
def nets(tmp_path, monkeypatch):
    """Work in a folder that has nets.py."""
    (tmp_path / "nets.py").write_text(NETS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", list(os.sys.path))
    return tmp_path


def test_the_spec_is_all_that_goes_to_stdout(cli, nets):
    result = cli("import", "nets.py:build", "--input", "3,4,4", "--arg", "width=128", "--arg", "name=deep")

    assert result.exit_code == 0
    assert (
        result.stdout
        == """\
# Imported from nets.py:build.
# linear (5 layers): torch's default, uniform with the bound 1/sqrt(fan_in)
version: 1
name: build
input:
  shape: [3, 4, 4]
init: pytorch
layers:
  - flatten  # 0
  - linear: 128  # 1
  - repeat:
      times: 3
      layers:
        - residual:  # 2 ... 4
            layers:
              - linear: 128  # 2.fc ... 4.fc
              - batch_norm  # 2.bn ... 4.bn
              - relu  # 2 ... 4
  - linear: 10  # 5
"""
    )
    assert "a script's own output" in result.stderr
    assert lrbound.parse(result.stdout).parameters == 48 * 128 + 128 + 3 * (128 * 128 + 3 * 128) + 1290


def test_a_module_by_its_name_and_an_object_that_is_a_model(cli, nets):
    result = cli("import", "nets:Nets.small", "--input", "48")

    assert result.exit_code == 0
    assert "name: small\n" in result.stdout


def test_a_file_is_written_once_and_overwritten_only_by_force(cli, nets):
    first = cli("import", "nets.py:build", "--input", "48", "-o", "arch.yaml")
    second = cli("import", "nets.py:build", "--input", "48", "-o", "arch.yaml")
    third = cli("import", "nets.py:build", "--input", "48", "-o", "arch.yaml", "--force")

    assert (first.exit_code, second.exit_code, third.exit_code) == (0, 2, 0)
    assert (first.stdout, first.stderr.splitlines()[-1]) == ("", "wrote arch.yaml; next: lrbound predict arch.yaml")
    assert second.stderr == "error: arch.yaml exists; --force overwrites it\n"
    assert lrbound.load("arch.yaml").name == "build"


def test_check_says_where_file_and_model_differ(cli, nets):
    cli("import", "nets.py:build", "--input", "48", "-o", "arch.yaml")

    same = cli("import", "nets.py:build", "--input", "48", "--check", "arch.yaml")
    other = cli("import", "nets.py:build", "--input", "48", "--arg", "classes=7", "--check", "arch.yaml")
    deeper = cli("import", "nets.py:build", "--input", "48", "--arg", "depth=4", "--check", "arch.yaml")

    assert (same.exit_code, same.stdout) == (0, "arch.yaml describes nets.py:build\n")
    assert (other.exit_code, other.stdout) == (
        1,
        "arch.yaml and nets.py:build differ in 1 place:\n  layers.2.linear.features: 10 in the file, 7 in the model (5)\n",
    )
    assert deeper.exit_code == 1
    assert "layers.2: linear in the file, residual in the model (5)" in deeper.stdout


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (("init: pytorch", "init: he"), "layers.0: weight_variance 2 in the file, 0.3293 in the model (1)"),
        (
            ("- batch_norm", "- batch_norm: 0.5"),
            "layers.1.repeat[0].layers.0.residual.layers.1.batch_norm.gamma: 0.5 in the file, 1.0 in the model (2.bn)",
        ),
        (("shape: [48]", "shape: [47]"), "input.shape: [47] in the file, [48] in the model"),
    ],
)
def test_check_sees_initialisations_gammas_and_shapes(cli, nets, change, line):
    cli("import", "nets.py:build", "--input", "48", "-o", "arch.yaml")
    text = (nets / "arch.yaml").read_text()
    assert change[0] in text
    (nets / "arch.yaml").write_text(text.replace(*change))

    result = cli("import", "nets.py:build", "--input", "48", "--check", "arch.yaml")

    assert result.exit_code == 1
    assert f"  {line}\n" in result.stdout


def test_check_does_not_ask_what_a_model_cannot_know(cli, nets):
    cli("import", "nets.py:build", "--input", "48", "-o", "arch.yaml")
    text = (nets / "arch.yaml").read_text()
    head = "name: other\ntraining: {batch_size: 64, optimizer: {momentum: 0.9}}\n"
    (nets / "arch.yaml").write_text(text.replace("name: build\n", head).replace("[48]", "[48]\n  mean_square: 0.3"))

    assert cli("import", "nets.py:build", "--input", "48", "--check", "arch.yaml").exit_code == 0


def test_predict_and_check_take_a_model_in_one_step(cli, nets):
    model = ("nets.py:build", "--input", "48", "--batch-size", "64", "--momentum", "0.9")
    cli("import", "nets.py:build", "--input", "48", "-o", "arch.yaml")

    predicted = json.loads(cli("predict", *model, "--format", "json").stdout)
    written = json.loads(
        cli("predict", "arch.yaml", "--batch-size", "64", "--momentum", "0.9", "--format", "json").stdout
    )
    low = cli("check", *model, "--lr", "1e-5")
    high = cli("check", *model, "--lr", "1e5")

    assert predicted == written
    assert (low.exit_code, high.exit_code) == (0, 1)


def test_overrides_reach_into_an_imported_model(cli, nets):
    model = ("predict", "nets.py:build", "--input", "48", "--format", "json")

    plain, scaled = (
        json.loads(cli(*model, *more).stdout)
        for more in ((), ("--set", "layers.1.repeat.layers.0.residual.layers.1.batch_norm.gamma=0.1"))
    )

    assert scaled["lambda_max"] < plain["lambda_max"]


def test_a_partial_spec_is_marked_and_warned_of(cli, nets):
    result = cli("import", "nets.py:recurrent", "--input", "48", "--partial")

    assert result.exit_code == 0
    assert "  - identity  # 2 (Tanhshrink); STAND-IN: 'tanhshrink' has no layer in a spec" in result.stdout
    assert "warning[LRB090]: not translated: 2 (Tanhshrink): 'tanhshrink' has no layer in a spec" in result.stderr


def test_everything_that_cannot_be_translated_is_said_at_once(cli, nets):
    result = cli("import", "nets.py:recurrent", "--input", "48")

    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.splitlines()[1:3] == [
        "nets.py:recurrent cannot be written as a spec:",
        "  2 (Tanhshrink): 'tanhshrink' has no layer in a spec; give the model without it, or write this part by hand",
    ]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ("nets.py", "--input", "48"),
            "error: 'nets.py' is not MODULE:OBJECT, such as mypackage.nets:build or nets.py:build",
        ),
        (("other.py:build", "--input", "48"), "error: there is no file other.py"),
        (
            ("nots:build", "--input", "48"),
            "error: there is no module 'nots' in this folder or among the installed packages",
        ),
        (("nets.py:bild", "--input", "48"), "error: nets.py has no 'bild'; did you mean 'build'?"),
        (
            ("nets.py:number", "--input", "48"),
            "error: nets.py:number is an int, neither a model nor something that makes one",
        ),
        (("nets.py:nothing", "--input", "48"), "error: nets.py:nothing returned None, not a torch.nn.Module"),
        (
            ("nets.py:Nets.small", "--input", "48", "--arg", "a=1"),
            "error: nets.py:Nets.small is a model already, so that --arg has nothing to go to",
        ),
        (
            ("nets.py:build", "--input", "48", "--arg", "a"),
            "Error: Invalid value for '--arg': 'a' is not KEY=VALUE, such as num_classes=10",
        ),
        (
            ("nets.py:build",),
            "Error: Invalid value for '--input': nets.py:build is a model, so its input is needed: --input 3,32,32",
        ),
        (
            ("nets.py:build", "--input", "3x4"),
            "Error: Invalid value for '--input': '3x4' is not a shape; write the sides of one sample, without the batch, as 3,32,32 or 784",
        ),
        (
            ("nets.py:build", "--input", "0"),
            "Error: Invalid value for '--input': '0' is not a shape; write the sides of one sample, without the batch, as 3,32,32 or 784",
        ),
    ],
)
def test_what_is_wrong_with_the_command_is_one_sentence(cli, nets, arguments, line):
    result = cli("import", *arguments)

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.splitlines()[-1] == line


@pytest.mark.parametrize(
    ("target", "head", "tail"),
    [
        ("nets.py:fails", "error: calling nets.py:fails failed:", "TypeError: empty()"),
        ("nets.py:leaves", "error: calling nets.py:leaves failed:", "SystemExit: usage: train.py DATA"),
        ("broken.py:build", "error: importing broken.py failed:", "SyntaxError: "),
        ("needs.py:build", "error: importing needs.py failed:", "ModuleNotFoundError: No module named 'nowhere'"),
    ],
)
def test_what_fails_in_the_models_code_is_told_with_its_own_frames(cli, nets, target, head, tail):
    (nets / "broken.py").write_text("def build(:\n    pass\n")
    (nets / "needs.py").write_text("import nowhere\n")

    result = cli("import", target, "--input", "48")

    assert (result.exit_code, result.stdout) == (2, "")
    assert head in result.stderr
    assert tail in result.stderr
    assert "lrbound/importing" not in result.stderr
    assert "Traceback" not in result.stderr


def test_a_spec_takes_no_input_and_no_arguments(cli, nets):
    (nets / "arch.yaml").write_text("version: 1\ninput: {shape: [4]}\nlayers: [linear: 2]\n")

    result = cli("predict", "arch.yaml", "--input", "4")

    assert (result.exit_code, result.stderr) == (
        2,
        "error: --input and --arg belong to a model, MODULE:OBJECT; arch.yaml is a spec, which says it all\n",
    )


def test_without_torch_there_is_one_line(cli, nets, monkeypatch):
    monkeypatch.setattr("lrbound.cli._extras.find_spec", lambda name: None)

    result = cli("import", "nets.py:build", "--input", "48")

    assert (result.exit_code, result.stderr) == (2, "lrbound import needs PyTorch: pip install 'lrbound[torch]'\n")


def test_python_code_without_the_name_of_a_model_is_told_how_to_name_it(tmp_path):
    path = tmp_path / "nets.py"
    path.write_text("model = None\n")
    done = CliRunner().invoke(app, ["predict", str(path), "--input", "3,8,8"])
    assert done.exit_code == 2
    assert f"{path} is Python code; name the model in it, or what makes one: {path}:OBJECT" in done.stderr
