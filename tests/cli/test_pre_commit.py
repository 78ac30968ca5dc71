"""The hook as pre-commit runs it, from an environment of its own that it makes of this repository."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cli.specs import stated

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="the hook is fetched from a clone")
@pytest.mark.skipif(shutil.which("pre-commit") is None, reason="needs pre-commit, of the extra test")
def test_the_hook_checks_two_files(tmp_path):
    # pre-commit makes an environment of what git knows, changes included; git's own variables are about another repository
    environment = {name: text for name, text in os.environ.items() if not name.startswith("GIT_")}
    environment |= {"PRE_COMMIT_HOME": str(tmp_path / "home")}
    folder = tmp_path / "repository"
    folder.mkdir()

    def hook(second: float | None) -> subprocess.CompletedProcess[str]:
        (folder / "arch-a.yaml").write_text(stated(0.001))
        (folder / "arch-b.yaml").write_text(stated(second))
        command = [
            "pre-commit",
            "try-repo",
            str(ROOT),
            "lrbound-check",
            "--verbose",
            "--files",
            "arch-a.yaml",
            "arch-b.yaml",
        ]
        return subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=600
        )

    subprocess.run(["git", "init", "--quiet", "."], cwd=folder, env=environment, check=True)
    passed, failed = hook(None), hook(50.0)

    assert passed.returncode == 0, passed.stdout + passed.stderr
    assert "2 specs: 1 ok, 1 skipped" in passed.stdout
    assert failed.returncode == 1
    assert "2 specs: 1 ok, 1 too high" in failed.stdout
