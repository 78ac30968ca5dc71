"""The one line in a training script: what it answers, and that it leaves everything as it was."""

import copy
import logging
import random
import subprocess
import sys
import warnings

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import lrbound
from lrbound.errors import Refused

SPEC = """
version: 1
input: {shape: [20], mean_square: MS, correlation: 0}
init: pytorch
training: {loss: LOSS, batch_size: 32, optimizer: {momentum: 0.9}}
layers: [linear: 64, batch_norm, relu, linear: 10]
"""


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(20, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 10))


def sgd(model, rate=0.01, **more):
    return torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9, **more)


def predicted(loss="cross_entropy", mean_square=1.0):
    return lrbound.predict(lrbound.parse(SPEC.replace("LOSS", loss).replace("MS", str(mean_square))))


def loader(samples=200, scale=1.0, **more):
    torch.manual_seed(1)
    data = TensorDataset(scale * torch.randn(samples, 20), torch.randint(0, 10, (samples,)))
    return DataLoader(data, batch_size=32, shuffle=True, **more)


@pytest.mark.parametrize(
    ("criterion", "loss"),
    [
        (nn.CrossEntropyLoss(), "cross_entropy"),
        (nn.functional.cross_entropy, "cross_entropy"),
        ("cross_entropy", "cross_entropy"),
        (nn.MSELoss(), "mse"),
        (nn.BCEWithLogitsLoss(), "binary_cross_entropy"),
        ("half_squared_error", "half_squared_error"),
    ],
)
def test_rates_are_those_of_the_spec_of_the_same_network(criterion, loss):
    model = network()

    found = lrbound.torch.check(model, sgd(model), (20,), criterion, batch_size=32)

    truth = predicted(loss)
    assert found.worst.max_learning_rate == pytest.approx(truth.max_learning_rate)
    assert found.worst.recommended_learning_rate == pytest.approx(truth.recommended_learning_rate)
    assert lrbound.torch.suggest(model, sgd(model), (20,), criterion, batch_size=32) == pytest.approx(
        truth.recommended_learning_rate
    )


@pytest.mark.parametrize(
    ("criterion", "times"),
    [
        (nn.CrossEntropyLoss(reduction="sum"), 32),
        (nn.MSELoss(reduction="sum"), 32 * 10),
        (nn.BCEWithLogitsLoss(reduction="sum"), 32 * 10),
    ],
)
def test_a_loss_that_adds_up_the_samples_has_a_rate_as_many_times_smaller(criterion, times):
    model = network()
    mean = type(criterion)()

    whole, part = (lrbound.torch.check(model, sgd(model, 1e-6), (20,), c, batch_size=32) for c in (criterion, mean))

    assert whole.worst.max_learning_rate == pytest.approx(part.worst.max_learning_rate / times)


def test_steps_on_a_sum_and_on_a_mean_at_the_rates_of_the_rule_are_the_same():
    optimizer = lrbound.parse(SPEC.replace("LOSS", "mse").replace("MS", "1")).training.optimizer
    decayed = type(optimizer)(momentum=0.9, weight_decay=0.3)
    x, factor = torch.linspace(-1.0, 1.0, 5), 7.0
    same, ratio = decayed.on_multiple(factor)
    ends = []
    for settings, rate, scale in ((decayed, 0.01, factor), (same, 0.01 * ratio, 1.0)):
        weight = nn.Parameter(x.clone())
        steps = settings.torch([weight], rate)
        for _ in range(5):
            steps.zero_grad()
            (scale * (weight**4).sum()).backward()
            steps.step()
        ends.append(weight.detach())

    torch.testing.assert_close(*ends)


def test_statistics_of_the_loader_enter_the_answer():
    model = network()
    large = loader(scale=3.0)

    found = lrbound.torch.check(model, sgd(model), None, nn.CrossEntropyLoss(), data=large)

    x = torch.cat([batch for batch, _ in large])
    law = found.worst.prediction
    assert law.assumptions.batch_size == 32
    assert law.layers[0].q == pytest.approx((float(x.square().mean()) + 1.0 / 20.0) / 3.0, rel=1e-3)


def test_everything_is_left_as_it_was():
    model, generator = network(), torch.Generator().manual_seed(5)
    model(torch.randn(8, 20)).sum().backward()
    optimizer, data = sgd(model), loader(generator=generator)
    model[1].eval()
    before = copy.deepcopy(model.state_dict())
    gradients = [parameter.grad.clone() for parameter in model.parameters()]
    states = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].copy(), generator.get_state()  # noqa: NPY002
    model.train()

    lrbound.torch.check(model, optimizer, (20,), nn.CrossEntropyLoss(), data=data)

    assert model.training
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, before[name]), name
    for parameter, gradient in zip(model.parameters(), gradients, strict=True):
        assert torch.equal(parameter.grad, gradient)
    assert torch.equal(torch.get_rng_state(), states[0])
    assert random.getstate() == states[1]
    assert np.array_equal(np.random.get_state()[1], states[2])  # noqa: NPY002
    assert torch.equal(generator.get_state(), states[3])


@pytest.mark.parametrize(
    "settings",
    [
        dict,
        lambda: {"generator": torch.Generator().manual_seed(5)},
        lambda: {"num_workers": 1, "persistent_workers": True},
    ],
)
def test_training_sees_the_batches_that_it_would_have_seen(settings):
    seen = []
    for checks in (False, True):
        model, data = network(), loader(**settings())
        torch.manual_seed(7)
        if checks:
            lrbound.torch.check(model, sgd(model), (20,), nn.CrossEntropyLoss(), data=data)
        seen.append(torch.cat([x for x, _ in data]))

    assert torch.equal(*seen)


def test_a_rate_that_is_too_high_warns_at_the_callers_line():
    model = network()

    with pytest.warns(
        lrbound.torch.LearningRateWarning, match=r"times the largest that training of Sequential"
    ) as caught:
        found = lrbound.torch.check(model, sgd(model, 100.0), (20,), nn.CrossEntropyLoss(), batch_size=32)

    assert caught[0].filename == __file__
    assert not found.ok


def test_a_rate_that_is_too_high_raises_or_is_logged(caplog):
    model = network()
    given = model, sgd(model, 100.0), (20,), nn.CrossEntropyLoss()

    with pytest.raises(lrbound.torch.LearningRateTooHigh, match="100 is"):
        lrbound.torch.check(*given, batch_size=32, action="raise")
    with caplog.at_level(logging.WARNING, "lrbound"):
        lrbound.torch.check(*given, batch_size=32, action="log")
    assert "learning rate 100 is" in caplog.text


def test_a_safe_rate_is_silent():
    model = network()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = lrbound.torch.check(model, sgd(model), (20,), nn.CrossEntropyLoss(), batch_size=32)
    assert found.ok
    assert "at most" in found.message


def test_the_worst_of_the_parameter_groups_counts():
    model = network()
    groups = [{"params": model[0].parameters()}, {"params": model[1:].parameters(), "lr": 100.0, "weight_decay": 0.1}]
    optimizer = torch.optim.SGD(groups, lr=0.01, momentum=0.9)

    with pytest.warns(lrbound.torch.LearningRateWarning, match="100 of parameter group 1"):
        found = lrbound.torch.check(model, optimizer, (20,), nn.CrossEntropyLoss(), batch_size=32)

    assert [group.learning_rate for group in found.groups] == [0.01, 100.0]
    assert [group.prediction.assumptions.training.optimizer.weight_decay for group in found.groups] == [0.0, 0.1]


def test_the_rate_that_a_warm_up_leads_to_counts():
    model = network()
    optimizer = sgd(model, 100.0)
    torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: step / 1000.0)
    assert optimizer.param_groups[0]["lr"] == 0.0

    with pytest.warns(lrbound.torch.LearningRateWarning, match="learning rate 100 is"):
        lrbound.torch.check(model, optimizer, (20,), nn.CrossEntropyLoss(), batch_size=32)


def test_parameters_that_the_optimizer_does_not_have_are_named():
    model = network()
    optimizer = torch.optim.SGD(model[3].parameters(), lr=0.01)

    found = lrbound.torch.check(model, optimizer, (20,), nn.CrossEntropyLoss(), batch_size=32)

    assert any(f"{20 * 64 + 64 + 128} parameters of the model are in no group" in note for note in found.notes)


@pytest.mark.parametrize(
    ("criterion", "words"),
    [
        (nn.L1Loss(), "the loss L1Loss is none of"),
        (nn.CrossEntropyLoss(weight=torch.ones(10)), "weighs classes"),
        (nn.CrossEntropyLoss(reduction="none"), "reduction='none'"),
        (nn.NLLLoss(), "ends in log_softmax"),
        (lambda out, y: (out - y).abs().mean(), "the loss <lambda> is none of"),
    ],
)
def test_a_loss_that_is_not_known_is_refused_in_words(criterion, words):
    model = network()

    with pytest.raises(Refused, match=words):
        lrbound.torch.suggest(model, "sgd", (20,), criterion, batch_size=32)
    with pytest.warns(lrbound.torch.LearningRateWarning, match="was not checked"):
        assert lrbound.torch.check(model, sgd(model), (20,), criterion, batch_size=32) is None


def test_nll_loss_behind_a_log_softmax_is_a_cross_entropy():
    model = nn.Sequential(*network(), nn.LogSoftmax(dim=1))

    rate = lrbound.torch.suggest(model, sgd(model), (20,), nn.NLLLoss(), batch_size=32)

    assert rate == pytest.approx(predicted().recommended_learning_rate)


@pytest.mark.parametrize(
    ("optimizer", "words"),
    [
        (torch.optim.LBFGS, "no theory for the optimizer LBFGS"),
        (lambda p: torch.optim.SGD(p, lr=0.1, maximize=True), "with maximize=True"),
        (lambda p: torch.optim.SGD([nn.Parameter(torch.ones(3))], lr=0.1), "no parameters of this model"),
    ],
)
def test_an_optimizer_that_is_not_known_is_refused_in_words(optimizer, words):
    model = network()
    with pytest.raises(Refused, match=words):
        lrbound.torch.suggest(model, optimizer(model.parameters()), (20,), "mse", batch_size=32)


def test_an_optimizer_may_be_given_by_its_name_and_arguments():
    named = {"name": "sgd", "momentum": 0.9}
    model = network()
    rates = [lrbound.torch.suggest(model, optimizer, (20,), "mse", batch_size=32) for optimizer in (named, sgd(model))]
    assert rates[0] == pytest.approx(rates[1])
    for wrong, words in (
        ({"name": "sgdd"}, "unknown optimizer 'sgdd'"),
        ({"name": "sgd", "momentum": 2}, r"'momentum' must be a number in \[0, 1\), got 2"),
        ({"name": "sgd", "inertia": 0.9}, "unknown argument 'inertia'"),
    ):
        with pytest.raises(ValueError, match=words):
            lrbound.torch.suggest(network(), wrong, (20,), "mse", batch_size=32)


def test_a_model_that_cannot_be_read_is_named_and_training_goes_on():
    class Halved(nn.Module):
        def forward(self, x):
            return x[:, :10] - x[:, 10:]

    model = nn.Sequential(nn.Linear(20, 20), Halved())
    with pytest.warns(lrbound.torch.LearningRateWarning, match=r"was not checked: 1 \(Halved\)"):
        assert lrbound.torch.check(model, sgd(model), (20,), "mse", batch_size=32) is None
    with pytest.raises(Refused, match="Halved"):
        lrbound.torch.check(model, sgd(model), (20,), "mse", batch_size=32, action="raise")


def test_what_is_missing_is_asked_for():
    model = network()
    with pytest.raises(ValueError, match="input_shape is needed"):
        lrbound.torch.suggest(model, "sgd", None, "mse", batch_size=3)
    with pytest.raises(ValueError, match="batch_size is needed"):
        lrbound.torch.suggest(model, "sgd", (20,), "mse")
    with pytest.raises(ValueError, match="action must be one of"):
        lrbound.torch.check(model, sgd(model), (20,), "mse", batch_size=3, action="print")


def test_importing_lrbound_torch_does_not_import_torch():
    code = "import sys, lrbound; lrbound.torch; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
