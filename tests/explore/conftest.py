"""The examples as sources, and golden files: `python -m pytest tests/explore --regenerate-golden` writes them anew."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lrbound.explore.source import Source

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).parent / "golden"


def pytest_addoption(parser):
    parser.addoption("--regenerate-golden", action="store_true", help="write the golden files of tests/explore anew")


@pytest.fixture
def golden(request):
    """Compare a text with a golden file, or write that file."""

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if request.config.getoption("regenerate_golden", default=False):
            path.write_text(text, encoding="utf-8")
        assert path.read_text(encoding="utf-8") == text

    return compare


@pytest.fixture
def source():
    """Return the source of an example: `source("wei2019-fc", ("training.batch_size", "full"))`."""

    def make(name: str, *overrides: tuple[str, str]) -> Source:
        return Source((ROOT / "examples" / f"{name}.yaml").read_text(), f"{name}.yaml", name, overrides)

    return make


@pytest.fixture
def lrbound():
    """Run the real entry point in the root of the repository."""

    def run(*arguments: object, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "lrbound", *map(str, arguments)],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            cwd=ROOT,
            env={**os.environ, **environment},
        )

    return run
