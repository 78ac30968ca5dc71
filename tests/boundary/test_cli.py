"""The command, from its options to its files."""

from __future__ import annotations

import csv
import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lrbound.cli.app import app

QUICK = ("--steps", "20", "--samples", "128", "--jobs", "1")
SWEEP = ("--sweep", "gamma=1,2", "--rates", "0.01:10:4", "--seeds", "2", *QUICK)


@pytest.fixture
def cli():
    return lambda *arguments: CliRunner().invoke(app, ["boundary", *arguments], prog_name="lrbound")


def test_the_command_from_end_to_end(spec):
    done = subprocess.run(
        [sys.executable, "-m", "lrbound", "boundary", spec, "--format", "json", "--seeds", "2", *QUICK],
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    found = json.loads(done.stdout)

    assert done.stderr == ""
    assert found["boundary"]["learning_rate"] > 0
    assert found["training"] == {"data": "a random teacher", "samples": 128, "steps": 20, "seeds": [0, 1]}
    assert os.listdir() == [spec]


def test_text_says_what_the_numbers_mean(cli, spec):
    result = cli(spec, *QUICK)

    assert result.exit_code == 0
    for phrase in ("training diverges from", "boundary / max", "boundary / curvature", "network has"):
        assert phrase in result.stdout


def test_out_keeps_the_result_and_is_not_overwritten(cli, spec):
    assert cli(spec, *QUICK, "--out", "kept", "--seeds", "1").exit_code == 0
    before = Path("kept/boundary.json").read_text()
    assert json.loads(before)["schema_version"] == 2

    again = cli(spec, *QUICK, "--out", "kept", "--seeds", "1")
    assert (again.exit_code, again.stdout) == (2, "")
    assert again.stderr == "error: kept/boundary.json exists; --force overwrites it\n"
    assert cli(spec, *QUICK, "--out", "kept", "--seeds", "1", "--force").exit_code == 0
    assert Path("kept/boundary.json").read_text() == before


def test_a_sweep_writes_the_grid_and_the_picture_once(cli, spec):
    first = cli(spec, *SWEEP, "--plot", "map.png", "--format", "json")
    assert first.exit_code == 0, first.stderr
    picture = Path("map.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    rows = list(csv.DictReader(Path("lrbound-boundary/grid.csv").read_text().splitlines()))
    found = json.loads(first.stdout)
    assert json.loads(Path("lrbound-boundary/grid.json").read_text()) == found
    assert len(rows) == 2 * 4
    assert [point["values"] for point in found["points"]] == [{"layers.*.gamma": 1.0}, {"layers.*.gamma": 2.0}]
    assert [rows[place]["final_loss"] == "" for place in range(4)] == [v is None for v in found["points"][0]["losses"]]
    assert found["points"][0]["losses"][0] is not None
    assert found["points"][0]["losses"][-1] is None

    second = cli(spec, *SWEEP, "--plot", "map.png", "--out", "elsewhere")
    assert (second.exit_code, second.stderr) == (2, "error: map.png exists; --force overwrites it\n")
    assert Path("map.png").read_bytes() == picture
    assert not os.path.exists("elsewhere")


def test_a_heat_map_can_be_svg(cli, spec):
    assert cli(spec, *SWEEP, "--plot", "new/map.svg").exit_code == 0
    assert "<svg" in Path("new/map.svg").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--sweep", "gamma"), "error: 'gamma' is not KNOB=LOW:HIGH:COUNT, such as gamma=0.25:5:12"),
        (("--plot", "a.png"), "error: --plot and --rates go with --sweep KNOB=LOW:HIGH:COUNT"),
        (("--sweep", "gamma=1,2", "--plot", "a.gif"), "error: --plot draws .png, .svg, .pdf files, got a.gif"),
        (("--sweep", "mean_square=1,2"),
         "error: input.mean_square is a property of the data, which stay the same along a sweep"),
        (("--sweep", "layers.3.linear.features=2,3"),
         "error: layers.3.linear.features changes the shape of the input or the output, which the data fix"),
        (("--data", "none.npz"), "error: none.npz: cannot be read: No such file or directory"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_said_before_training(cli, spec, arguments, message):
    result = cli(spec, *arguments)

    assert (result.exit_code, result.stdout, result.stderr) == (2, "", message + "\n")
    assert os.listdir() == [spec]


@pytest.mark.parametrize(
    ("module", "arguments", "line"),
    [
        ("torch", (), "lrbound boundary needs PyTorch: pip install 'lrbound[torch]'\n"),
        ("joblib", (), "lrbound boundary needs joblib: pip install 'lrbound[torch]'\n"),
        ("matplotlib", ("--sweep", "gamma=1,2", "--plot", "a.png"),
         "lrbound boundary --plot needs matplotlib: pip install 'lrbound[plot]'\n"),
    ],
)  # fmt: skip
def test_a_missing_extra_is_one_line(cli, spec, monkeypatch, module, arguments, line):
    find = importlib.util.find_spec
    monkeypatch.setattr("lrbound.cli._extras.find_spec", lambda name: None if name == module else find(name))
    result = cli(spec, *arguments)

    assert (result.exit_code, result.stdout, result.stderr) == (2, "", line)


def test_ctrl_c_keeps_what_is_done_and_the_same_command_continues(cli, spec):
    command = [sys.executable, "-m", "lrbound", "boundary", spec, "--sweep", "gamma=1:2:3", "--rates", "0.001:0.01:4",
               "--steps", "500", "--jobs", "2"]  # fmt: skip
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    runs = Path("lrbound-boundary/runs.jsonl")
    deadline = time.monotonic() + 60
    while not runs.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)

    assert (process.returncode, out) == (130, "")
    kept = len(runs.read_text().splitlines()) - 1
    assert 0 < kept < 12
    assert f"interrupted: {kept} finished runs are kept in {runs}; the same command again continues\n" in err
    assert "Traceback" not in err
    assert cli(*command[4:-1], "1").exit_code == 0
    assert len(runs.read_text().splitlines()) - 1 == 12
