"""The commands of README.md, examples/README.md and examples/commands.md, as printed."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = ("README.md", "examples/README.md", "examples/commands.md")
VERBS = (
    "predict",
    "check",
    "measure",
    "boundary",
    "sweep",
    "solve",
    "compare",
    "new",
    "schema",
    "stats",
    "import",
    "explain",
)
COMMANDS = [
    line
    for document in DOCUMENTS
    for block in re.findall(r"```console\n(.*?)```", (ROOT / document).read_text(), re.DOTALL)
    for line in block.splitlines()
    if line.startswith(tuple(f"lrbound {verb}" for verb in VERBS))
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with the examples and some data."""
    path = tmp_path_factory.mktemp("readme")
    shutil.copytree(ROOT / "examples", path / "examples")
    np.save(path / "data.npy", np.random.default_rng(0).standard_normal((50, 8)))
    return path


def test_there_are_commands():
    assert {line.split()[1] for line in COMMANDS} == set(VERBS)


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_runs_as_printed(folder, line):
    if "--plot" in line:
        pytest.importorskip("matplotlib")
    done = subprocess.run(
        [sys.executable, "-m", *shlex.split(line)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout or " -o " in line
