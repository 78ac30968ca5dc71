"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from lrbound import atomic
from lrbound.atomic import write_whole

OLD, NEW = "old\n", "new\n" * 1000


def test_a_file_is_replaced_with_its_permissions(tmp_path):
    path = tmp_path / "arch.yaml"
    path.write_text(OLD)
    path.chmod(0o640)

    write_whole(str(path), NEW)

    assert path.read_text() == NEW
    assert path.stat().st_mode & 0o777 == 0o640
    assert os.listdir(tmp_path) == ["arch.yaml"]


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "arch.yaml").write_text(OLD)
    link = tmp_path / "link.yaml"
    link.symlink_to("arch.yaml")

    write_whole(str(link), NEW)

    assert link.is_symlink()
    assert (tmp_path / "arch.yaml").read_text() == NEW


@pytest.mark.parametrize("step", ["fsync", "chmod", "replace"])
def test_a_failure_at_any_step_leaves_the_old_file_and_nothing_beside_it(tmp_path, monkeypatch, step):
    path = tmp_path / "arch.yaml"
    path.write_text(OLD)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic.os, step, full)
    with pytest.raises(OSError, match="No space"):
        write_whole(str(path), NEW)

    assert path.read_text() == OLD
    assert os.listdir(tmp_path) == ["arch.yaml"]


def test_a_kill_before_the_last_step_leaves_the_old_file(tmp_path):
    path = tmp_path / "arch.yaml"
    path.write_text(OLD)
    program = (
        "import os, signal, sys\nfrom lrbound import atomic\n"
        "atomic.os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        f"atomic.write_whole(sys.argv[1], {NEW!r})\n"
    )

    killed = subprocess.run([sys.executable, "-c", program, str(path)], timeout=60, check=False)

    assert killed.returncode == -9
    assert path.read_text() == OLD


def test_what_is_no_file_is_written_to(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = subprocess.Popen(["cat", str(pipe)], stdout=-1, text=True)
    write_whole(str(pipe), NEW)

    assert reader.communicate(timeout=60)[0] == NEW
