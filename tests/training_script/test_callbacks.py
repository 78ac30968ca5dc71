"""The callbacks, in stand-ins for trainers that call their hooks as Lightning 2.6, transformers 5.24 and Keras 3.15 do."""

import importlib
import json
import sys
import types

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import lrbound
from lrbound.torch.verdict import LearningRateTooHigh, LearningRateWarning

X, Y = torch.randn(96, 20, generator=torch.Generator().manual_seed(0)), torch.arange(96) % 10


class Module(nn.Module):
    """What a LightningModule is to a callback: a module with its network and its loss inside."""

    def __init__(self, criterion=None):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 10))
        if criterion is not None:
            self.criterion = criterion

    def forward(self, x):
        return self.net(x)


def stand_in(monkeypatch, home, name, module):
    """Let ``home`` be a package with a class of that name, and import our module against it."""
    parts = home.split(".")
    for end in range(1, len(parts) + 1):
        monkeypatch.setitem(sys.modules, ".".join(parts[:end]), types.ModuleType(".".join(parts[:end])))
    base = type(name, (), {})
    setattr(sys.modules[home], name, base)
    monkeypatch.delitem(sys.modules, module, raising=False)
    return importlib.import_module(module), base


def lightning_trainer(model, rate=0.01, **more):
    settings = {"global_step": 0, "is_global_zero": True, "accumulate_grad_batches": 2, "world_size": 3}
    return types.SimpleNamespace(
        optimizers=[torch.optim.SGD(model.parameters(), lr=rate)],
        train_dataloader=DataLoader(TensorDataset(X, Y), batch_size=16, shuffle=True),
        **(settings | more),
    )


@pytest.fixture
def lightning(monkeypatch):
    module, base = stand_in(monkeypatch, "lightning.pytorch.callbacks", "Callback", "lrbound.torch.lightning")
    assert issubclass(module.LRBoundCallback, base)
    return module


def test_lightning_is_checked_before_the_first_step_at_the_batch_of_all_devices(lightning):
    model, callback = Module(nn.CrossEntropyLoss()), lightning.LRBoundCallback()

    callback.on_train_start(lightning_trainer(model), model)

    truth = lrbound.torch.check(
        model, torch.optim.SGD(model.parameters(), lr=0.01), (20,), "cross_entropy", batch_size=96, data=X
    )
    assert callback.result.ok
    assert callback.result.worst.prediction.assumptions.batch_size == 96
    assert callback.result.worst.max_learning_rate == pytest.approx(truth.worst.max_learning_rate)


def test_lightning_raises_or_warns_where_the_rate_is_too_high(lightning):
    model = Module()
    trainer = lightning_trainer(model, 1000.0)

    with pytest.raises(LearningRateTooHigh):
        lightning.LRBoundCallback("mse", action="raise").on_train_start(trainer, model)
    with pytest.warns(LearningRateWarning, match="times the largest that training of Module"):
        lightning.LRBoundCallback(nn.MSELoss()).on_train_start(trainer, model)


def test_lightning_without_a_loss_that_can_be_seen_asks_for_it(lightning):
    model = Module()
    with pytest.warns(LearningRateWarning, match="no loss that can be seen"):
        lightning.LRBoundCallback().on_train_start(lightning_trainer(model), model)
    model.loss_fn = nn.functional.mse_loss
    assert lightning.loss_of(model) is nn.functional.mse_loss


@pytest.mark.parametrize("more", [{"global_step": 5}, {"is_global_zero": False}])
def test_lightning_leaves_resumed_runs_and_other_processes_alone(lightning, more):
    model, callback = Module(), lightning.LRBoundCallback("mse", action="raise")
    callback.on_train_start(lightning_trainer(model, 1000.0, **more), model)
    assert callback.result is None


def test_the_older_name_of_lightning_is_followed(monkeypatch):
    monkeypatch.delitem(sys.modules, "lightning", raising=False)
    module, base = stand_in(monkeypatch, "pytorch_lightning.callbacks", "Callback", "lrbound.torch.lightning")
    assert issubclass(module.LRBoundCallback, base)


@pytest.fixture
def transformers(monkeypatch):
    return stand_in(monkeypatch, "transformers", "TrainerCallback", "lrbound.torch.transformers")[0]


class Pretrained(Module):
    """What a model of transformers is to a callback: keyword inputs, an object as output, a configuration."""

    config = types.SimpleNamespace(problem_type=None, num_labels=10)

    def forward(self, pixel_values, labels=None):
        del labels
        return {"logits": self.net(pixel_values)}


class Accelerated(torch.optim.Optimizer):
    """What Accelerate makes of an optimiser."""

    def __init__(self, optimizer):
        self.optimizer = optimizer

    @property
    def param_groups(self):
        return self.optimizer.param_groups


def test_transformers_are_checked_before_the_first_step(transformers):
    model, callback = Pretrained(), transformers.LRBoundCallback()
    args = types.SimpleNamespace(train_batch_size=16, gradient_accumulation_steps=2, world_size=1)
    state = types.SimpleNamespace(global_step=0, is_world_process_zero=True)
    loader = DataLoader([{"labels": y, "pixel_values": x} for x, y in zip(X, Y, strict=True)], batch_size=16)
    optimizer = Accelerated(torch.optim.SGD(model.parameters(), lr=1000.0))

    with pytest.warns(LearningRateWarning, match="learning rate 1e"):
        callback.on_train_begin(
            args, state, object(), model=model, optimizer=optimizer, lr_scheduler=None, train_dataloader=loader
        )

    assumed = callback.result.worst.prediction.assumptions
    assert (assumed.batch_size, assumed.loss) == (32, "cross_entropy")


def test_transformers_losses_follow_the_configuration(transformers):
    model = Pretrained()
    kinds = {}
    for problem, labels in ((None, 1), (None, 3), ("multi_label_classification", 3), ("regression", 3)):
        model.config = types.SimpleNamespace(problem_type=problem, num_labels=labels)
        kinds[problem, labels] = transformers.loss_of(model)
    assert list(kinds.values()) == ["mse", "cross_entropy", "binary_cross_entropy", "mse"]


@pytest.fixture
def keras(monkeypatch):
    return stand_in(monkeypatch, "keras.callbacks", "Callback", "lrbound.torch.keras")[0]


class SGD:
    """Keras' optimiser, as far as a callback sees it."""

    iterations = 0

    def __init__(self, rate, **more):
        self.learning_rate, self._more = rate, more

    def get_config(self):
        usual = {"name": "SGD", "learning_rate": 0.1, "weight_decay": None, "clipnorm": None, "momentum": 0.9}
        return (
            usual | {"nesterov": False, "use_ema": False, "ema_momentum": 0.99, "loss_scale_factor": None} | self._more
        )


def keras_model(rate=0.01, loss="sparse_categorical_crossentropy", activation="softmax", **more):
    """Return what ``fit`` hands to a callback: an object with ``to_json``, ``optimizer`` and ``loss``."""

    def dense(name, units, kind):
        initializer = {"class_name": "GlorotUniform", "config": {"seed": None}}
        zeros = {"class_name": "Zeros", "config": {}}
        config = {"name": name, "units": units, "activation": kind, "use_bias": True}
        return {
            "class_name": "Dense",
            "config": config | {"kernel_initializer": initializer, "bias_initializer": zeros},
        }

    first = {"class_name": "InputLayer", "config": {"batch_shape": [None, 20], "name": "input"}}
    layers = [first, dense("a", 64, "relu"), dense("b", 10, activation)]
    text = json.dumps({"class_name": "Sequential", "config": {"name": "small", "layers": layers}})
    return types.SimpleNamespace(name="small", to_json=lambda: text, optimizer=SGD(rate, **more), loss=loss)


def test_keras_is_checked_before_the_first_step(keras):
    callback = keras.LRBoundCallback(batch_size=32, data=X.numpy())
    callback.model = keras_model()

    callback.on_train_begin({})

    spec = "version: 1\ninput: {shape: [20]}\ninit: xavier\nlayers: [linear: 64, relu, linear: 10]\ntraining: "
    spec += "{loss: cross_entropy, batch_size: 32, optimizer: {momentum: 0.9}}"
    white = lrbound.predict(lrbound.parse(spec))
    assert callback.result.ok
    assert callback.result.worst.prediction.assumptions.loss == "cross_entropy"
    assert callback.result.worst.max_learning_rate == pytest.approx(white.max_learning_rate, rel=0.3)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (keras_model(1000.0), "learning rate 1e"),
        (keras_model(clipnorm=1.0), "no theory for SGD with clipnorm=1.0"),
        (keras_model(loss="hinge"), "the loss hinge is none of"),
        (keras_model(activation="linear"), "takes probabilities"),
    ],
)
def test_keras_warns_in_words(keras, model, words):
    callback = keras.LRBoundCallback(batch_size=32)
    callback.model = model
    with pytest.warns(LearningRateWarning, match=words):
        callback.on_train_begin()


def test_keras_has_its_channels_last(keras):
    data = np.zeros((5, 7, 8, 3))
    assert keras.channels_first(data).shape == (5, 3, 7, 8)
    assert keras.channels_first(np.zeros((5, 20))).shape == (5, 20)
