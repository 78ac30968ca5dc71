"""What a run must not import, in a process of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

STUB = """
import sys, types
spec, predict = types.ModuleType("lrbound.spec"), types.ModuleType("lrbound.predictor")
def answer():
    import lrbound.prediction as p
    from lrbound.losses.mse import MeanSquaredError
    from lrbound.network import Training
    from lrbound.optimizers.sgd import SGD
    assumed = p.Assumptions(Training(MeanSquaredError(), 8, SGD()), "through", 1, 2)
    return p.Prediction("tiny", "mean-field", assumed, 1.0, None, 2.0, 1.0, p.Bounds(2.0, 2.0), (), ())
network = types.SimpleNamespace(
    nodes=(), input=types.SimpleNamespace(white=False), training=types.SimpleNamespace(line=0, column=0, loss=types.SimpleNamespace(tolerated=1.0))
)
spec.load, spec.SpecError = (lambda path, *, overrides, defaults: network), type("SpecError", (ValueError,), {})
predict.predict = lambda network, *, method, batch_statistics, full_batch: answer()
sys.modules["lrbound.spec"], sys.modules["lrbound.predictor"] = spec, predict
from lrbound.cli.app import run
status = run(sys.argv[1:])
print(*sorted(sys.modules), file=sys.stderr)
sys.exit(status)
"""


def imported_by(*arguments: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", STUB, *arguments], capture_output=True, text=True, check=True, timeout=60
    )
    return set(done.stderr.split())


@pytest.mark.parametrize(
    ("output", "heavy"), [("text", {"rich.progress", "rich.traceback", "rich.markdown"}), ("json", {"rich.table"})]
)
def test_predict_imports_nothing_that_it_does_not_use(output, heavy):
    modules = imported_by("predict", "a.yaml", "--format", output, "--set", "name=b", "--batch-size", "8")

    assert "lrbound.cli.predict" in modules
    assert not modules & heavy
    assert not modules & {"pydantic", "torch", "scipy", "matplotlib", "lrbound.cli.check"}


def test_the_version_imports_no_verb():
    modules = imported_by("--version")

    assert not modules & {"numpy", "pydantic", "lrbound.cli.predict", "lrbound.cli.check"}


def test_the_check_above_can_fail():
    assert "lrbound.cli.check" in imported_by("check", "a.yaml", "--lr", "1")
