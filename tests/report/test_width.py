"""The text of every command fits 80 columns."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DEEP, FC = "examples/efficientnet-b0.yaml", "examples/wei2019-fc.yaml"
COMMANDS = [
    f"predict {DEEP}", f"predict {DEEP} --layers all", f"predict {FC} --set training.optimizer=adam", f"predict {FC} {DEEP}",
    f"check {FC}", f"check {FC} {DEEP} --lr 0.1", f"compare {FC} examples/resnet18.yaml", f"compare {FC} --normalizers all",
    f"sweep {FC} --vary layers.0.repeat.layers.1.batch_norm.gamma=0.1:5:5 --vary batch_size=8,64",
    f"solve {FC} --vary gamma --lr 0.01", f"transfer {FC} {DEEP} --lr 0.01", "stats examples/wine.csv",
    "measure examples/zoo/fc-bn-relu-3x500-b8.yaml --seeds 1 --per-layer", f"report {FC} --format text",
    "explain", "explain LRB012 LRB042", "--help", "predict --help", "check --help",
]  # fmt: skip


@pytest.mark.parametrize("line", COMMANDS)
def test_no_line_is_wider_than_80_columns(line):
    done = subprocess.run(
        [sys.executable, "-m", "lrbound", *line.split()],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        cwd=ROOT,
    )

    assert done.returncode in (0, 1), done.stderr
    assert done.stdout
    assert [text for text in done.stdout.splitlines() if len(text) > 80] == []
