"""`lrbound boundary` from end to end with each normaliser, on a net that trains in a second."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from lrbound.cli.app import app
from lrbound.explore.normaliser_names import kinds

HEAD = "version: 1\nname: tiny\ninit: {weight_variance: 2.0, bias_variance: 0.1}\n"
TRAINING = "training: {batch_size: 16, optimizer: {name: sgd, momentum: 0.9}}\n"
FLAT = HEAD + "input: {shape: [6]}\n" + TRAINING + "layers: [{linear: 24}, BLOCK, {linear: 2}]\n"
IMAGE = (
    HEAD + "input: {shape: [2, 4, 4]}\n" + TRAINING
    + "layers: [{conv2d: {channels: 8, kernel: 3}}, BLOCK, flatten, {linear: 2}]\n"
)  # fmt: skip
BLOCKS = {
    "group_norm": "{group_norm: 3}, relu",
    "batch_group_norm": "{batch_group_norm: 12}, relu",
    "proxy_norm": "{layer_norm: {learnable: false}}, proxy_norm",
}
"""Of the normalisers that need an argument, or another layer."""
QUICK = ("--data", "teacher", "--seeds", "1", "--steps", "30", "--samples", "64", "--jobs", "1", "--format", "json")
REACH = 128.0


@pytest.mark.parametrize("kind", kinds())
def test_training_has_a_boundary_and_it_is_found(kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = (IMAGE if kind == "instance_norm" else FLAT).replace("BLOCK", BLOCKS.get(kind, f"{kind}, relu"))
    (tmp_path / "tiny.yaml").write_text(text, "utf-8")
    done = CliRunner().invoke(app, ["boundary", "tiny.yaml", *QUICK], prog_name="lrbound")
    found = json.loads(done.stdout)
    rate = found["boundary"]["learning_rate"]

    assert done.exit_code == 0
    assert kind in {layer["layer"] for layer in found["prediction"]["layers"]}
    assert rate == found["boundary"]["values"][0]
    # the search ends in a bracket: below it training goes well, above it diverges
    assert found["ratio"] == pytest.approx(rate / found["prediction"]["max_learning_rate"])
    assert 1.0 / REACH < found["ratio"] < REACH
