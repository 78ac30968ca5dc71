"""From the graph on nothing needs torch: that is where other doors come in."""

from __future__ import annotations

import subprocess
import sys

import pytest


def imported(*modules):
    code = f"import sys, {', '.join(modules)}; print(*sys.modules)"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


@pytest.mark.parametrize("module", ["translate", "keras", "onnx_nodes", "compare", "moments", "target", "from_torch"])
def test_the_way_from_the_graph_to_the_spec_imports_no_torch(module):
    assert not imported(f"lrbound.importing.{module}") & {"torch", "onnx", "typer", "rich"}


def test_the_check_above_can_fail():
    assert "torch" in imported("lrbound.importing.record")
