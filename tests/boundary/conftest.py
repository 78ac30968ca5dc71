"""Networks small enough to train within a test."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

import lrbound
from lrbound.empirical.datasets import Dataset
from lrbound.empirical.runner import Runner
from lrbound.empirical.store import RunStore

LINEAR = """
version: 1
name: regression
input: {shape: [4], correlation: 0.5}
training: {optimizer: {name: sgd}}
layers: [{linear: {features: 1, bias: false}}]
"""
TINY = """
version: 1
name: tiny
input: {shape: [6]}
init: {weight_variance: 2.0, bias_variance: 0.1}
training: {batch_size: 16, optimizer: {name: sgd, momentum: 0.9}}
layers: [{linear: 24}, {batch_norm: {gamma: 1.0}}, relu, {linear: 2}]
"""


@pytest.fixture
def linear():
    """Make the network of a linear regression: `linear(("training.optimizer.momentum", "0.9"))`."""
    return lambda *changes: lrbound.parse(LINEAR, overrides=changes)


@pytest.fixture
def tiny():
    """Make a network of one hidden layer with batch normalisation."""
    return lambda *changes: lrbound.parse(TINY, overrides=changes)


@pytest.fixture
def spec(tmp_path, monkeypatch):
    """Stand in an empty folder with the tiny spec in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.yaml").write_text(TINY, "utf-8")
    return "tiny.yaml"


@pytest.fixture
def regression() -> Dataset:
    """Targets that are linear in inputs of four different variances."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((200, 4)) * [0.5, 1.0, 1.5, 3.0]
    y = x @ rng.standard_normal((4, 1))
    return Dataset("a regression", x.astype(np.float32), y.astype(np.float32))


@pytest.fixture
def train_on():
    """Make a runner in this process."""
    return lambda data, path=None: Runner(data, RunStore(path), jobs=1)
