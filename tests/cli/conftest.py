"""The command line with a core that only remembers what it was asked."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from lrbound.cli.app import app
from lrbound.losses.half_squared_error import HalfSquaredError
from lrbound.network import Training
from lrbound.notices import Notice
from lrbound.optimizers.sgd import SGD
from lrbound.prediction import Assumptions, Bounds, LayerReport, Prediction


class SpecError(ValueError):
    """Stands for lrbound.spec.SpecError."""

    diagnostics = ()


@dataclass
class Core:
    """What `load` and `predict` were called with, and what they answer."""

    SpecError = SpecError
    prediction: Prediction
    learning_rate: float | None = None
    error: Exception | None = None
    refusal: Exception | None = None
    calls: list[tuple[Any, ...]] = field(default_factory=list)

    def load(self, path: str, *, overrides: list[tuple[str, str]], defaults: Any = ()) -> Any:
        del defaults
        self.calls.append(("load", path, overrides))
        if self.error is not None:
            raise self.error
        return SimpleNamespace(
            input=SimpleNamespace(white=False),
            nodes=(),
            training=Training(HalfSquaredError(), 128, SGD(learning_rate=self.learning_rate), line=4, column=31),
        )

    def predict(self, network: Any, *, method: str, batch_statistics: str, full_batch: int | None) -> Prediction:
        del network, full_batch
        self.calls.append(("predict", method, batch_statistics))
        if self.refusal is not None:
            raise self.refusal
        return self.prediction


@pytest.fixture
def prediction() -> Prediction:
    return Prediction(
        name="tiny",
        method="mean-field",
        assumptions=Assumptions(Training(HalfSquaredError(), 128, SGD(momentum=0.9)), "through", 10, 1_010),
        lambda_max=160.6,
        lambda_max_interval=None,
        max_learning_rate=0.02,
        recommended_learning_rate=0.005,
        bounds=Bounds(0.0237, 0.02),
        layers=(LayerReport("layers.0", "linear", 1_010, 2.5, 0.5, 160.6),),
        warnings=(Notice("LRB002", "lambda_max_interval is null: not yet"),),
    )


@pytest.fixture
def core(monkeypatch, prediction) -> Core:
    """Replace the library below the command line."""
    core = Core(prediction)
    spec, predict = ModuleType("lrbound.spec"), ModuleType("lrbound.predictor")
    spec.load, spec.SpecError = core.load, SpecError
    predict.predict = core.predict
    monkeypatch.setitem(sys.modules, "lrbound.spec", spec)
    monkeypatch.setitem(sys.modules, "lrbound.predictor", predict)
    return core


@pytest.fixture
def cli():
    """Run the command line: `cli("check", "a.yaml")` is `lrbound check a.yaml`."""

    def run(*arguments: str):
        return CliRunner().invoke(app, list(arguments), prog_name="lrbound")

    return run
