"""Streams that are closed, full or without a reader, and an interrupt at any moment, in processes of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SPEC = str(Path(__file__).parents[2] / "examples" / "wei2019-fc.yaml")
FULL = "error: cannot write the result: No space left on device\n"

pytestmark = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="the system has no device that is always full")


def shell(command: str) -> subprocess.CompletedProcess[str]:
    """Run ``lrbound ARGUMENTS`` with redirections of bash; the status is that of lrbound, pipes or not."""
    line = f"set -o pipefail; exec {sys.executable} -m lrbound {command}"
    if "|" in command:
        line = line.replace("exec ", "")
    return subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize(
    ("command", "status"),
    [
        (f"predict {SPEC} >&-", 0),
        (f"predict {SPEC} 2>&-", 0),
        (f"check {SPEC} --lr 0.01 >&- 2>&- <&-", 0),
        (f"check {SPEC} --lr 10 >&- 2>&-", 1),
        (f"check {SPEC} --lr 10 2>/dev/full", 1),
        ("check nowhere.yaml 2>&-", 2),
        ("check nowhere.yaml 2>/dev/full", 2),
        ("check --nonsense 2>/dev/full", 2),
        ("predict - <&-", 2),
        ("--help | true", 0),
        (f"predict {SPEC} --format json | true", 0),
        (f"check {SPEC} --lr 10 | true", 1),
    ],
)
def test_the_status_is_the_answers_whatever_the_streams_are(command, status):
    result = shell(command)

    assert result.returncode == status
    assert "Traceback" not in result.stderr
    assert "internal error" not in result.stderr
    assert "Exception ignored" not in result.stderr


@pytest.mark.parametrize(
    "command", ["--help", "--version", "new mlp", "schema", f"predict {SPEC}", f"predict {SPEC} --format json"]
)
def test_a_result_that_does_not_fit_on_the_disk_is_bad_output_not_a_failed_check(command):
    result = shell(f"{command} >/dev/full")

    assert (result.returncode, result.stderr.splitlines(keepends=True)[-1]) == (2, FULL)


@pytest.mark.parametrize("seconds", [0.1, 0.2, 0.4])
def test_an_interrupt_at_any_moment_ends_with_130_and_no_traceback(seconds):
    program = (
        "import sys, lrbound.__main__ as entry; print('on', flush=True); sys.argv[1:] = ['predict', '-']; entry.main()"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stdin=-1, stdout=-1, stderr=-1, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "on\n"
    time.sleep(seconds)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=120)

    assert (process.returncode, said) == (130, "")
