"""A bar appears on a terminal, and only for what takes a while."""

from __future__ import annotations

import io
import sys
import time

import pytest

from lrbound.cli import _progress as module


class Screen(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    """Make stderr a terminal; called in the test, since pytest puts its own stderr there before it."""

    def make() -> Screen:
        screen = Screen()
        monkeypatch.setattr(sys, "stderr", screen)
        monkeypatch.setenv("TERM", "xterm")
        return screen

    return make


def test_what_is_short_shows_nothing(terminal):
    screen = terminal()
    with module.progress_bar("working") as progress:
        progress(1, 2)

    assert screen.getvalue() == ""


def test_what_is_long_shows_how_far_it_is(terminal, monkeypatch):
    screen = terminal()
    monkeypatch.setattr(module, "PATIENCE", 0.0)
    with module.progress_bar("working") as progress:
        progress(1, 2)
        deadline = time.monotonic() + 30.0
        while "1/2" not in screen.getvalue() and time.monotonic() < deadline:
            time.sleep(0.01)

    assert "working" in screen.getvalue()
    assert "1/2" in screen.getvalue()


def test_into_a_file_nothing_is_shown(monkeypatch):
    monkeypatch.setattr(module, "PATIENCE", 0.0)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with module.progress_bar("working") as progress:
        progress(1, 2)

    assert sys.stderr.getvalue() == ""
