"""How a model is read: heads, modes, wrappers, and the errors of its own code."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import lrbound
from lrbound.importing.record import record
from lrbound.importing.refusal import ModelError, Untranslatable
from lrbound.importing.translate import translate
from tests.importing.torchvision_style import BasicBlock, ResNet


class Auxiliary(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.head, self.aux = nn.Linear(8, 20), nn.Linear(20, 3), nn.Linear(20, 3)
        self.unused = nn.Linear(4, 4)

    def forward(self, x):
        x = F.relu(self.body(x))
        return {"out": self.head(x), "aux": self.aux(x)}


def test_auxiliary_heads_and_unused_parameters_are_left_out_and_named():
    translation = translate(record(Auxiliary(), (8,)))

    assert translation.network.parameters == 8 * 20 + 20 + 20 * 3 + 3
    assert translation.notes == (
        "the model returns several results: 'out' is read, aux left out with the heads that give them",
        "83 parameters that the output does not depend on are left out: aux, unused",
    )


def test_a_model_in_evaluation_mode_is_read_as_in_training():
    model = nn.Sequential(nn.Linear(8, 20), nn.BatchNorm1d(20), nn.ReLU(), nn.Linear(20, 3)).eval()

    translation = translate(record(model, (8,)))

    assert [node.layer.kind for node in translation.network.nodes] == ["linear", "batch_norm", "relu", "linear"]
    assert translation.notes == (
        "the model is in evaluation mode; it is read as in training, with batch statistics and dropout",
    )
    assert not model.training


def test_reading_leaves_the_model_as_it_was():
    torch.manual_seed(0)
    model = ResNet(BasicBlock, [1, 1, 1, 1], classes=10, width=8)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    state = torch.get_rng_state()

    record(model, (3, 32, 32))

    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


# --- what is refused, in whole sentences -------------------------------------------------------------------------------


class UnusedHead(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.aux = nn.Linear(8, 8), nn.Linear(8, 2), nn.LSTM(8, 4)

    def forward(self, x):
        x = self.a(x)
        return self.b(x), self.aux(x[:, None])[0]


def test_what_stands_in_the_way_of_an_auxiliary_head_is_no_reason():
    translation = translate(record(UnusedHead(), (8,)))

    assert translation.network.parameters == 8 * 8 + 8 + 8 * 2 + 2
    assert translation.notes[0] == (
        "the model returns several results: 'output 0' is read, output 1 left out with the heads that give them"
    )


def test_wrappers_of_torch_are_looked_through():
    inner = nn.Sequential(nn.Linear(8, 20), nn.ReLU(), nn.Linear(20, 3))

    assert lrbound.from_torch(nn.DataParallel(inner), (8,)).nodes == lrbound.from_torch(inner, (8,)).nodes


class Wrong(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(100, 10)

    def forward(self, x):
        return self.fc(x.flatten(1))


def test_an_exception_in_the_model_is_told_with_its_own_frames():
    with pytest.raises(ModelError) as failed:
        lrbound.from_torch(nn.Sequential(nn.ReLU(), Wrong()), (3, 5, 5))

    lines = str(failed.value).splitlines()
    assert lines[0] == "error: the model's own code failed in 1.fc (Linear) on an input of shape [2, 3, 5, 5]:"
    assert lines[1].endswith("in forward")
    assert lines[2] == "    return self.fc(x.flatten(1))"
    assert lines[-1] == "is --input 3,5,5 what it takes?"
    assert "lrbound/importing" not in str(failed.value)


class Regression(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.head = nn.Linear(8, 20), nn.Linear(20, 1)

    def forward(self, x):
        x = x.to("cpu", non_blocking=True).to(torch.float32)
        return self.head(self.body(x).relu()).squeeze(-1)


def test_a_single_output_may_be_squeezed_and_samples_may_be_moved():
    network = lrbound.from_torch(Regression(), (8,))

    assert [node.layer.kind for node in network.nodes] == ["linear", "relu", "linear"]
    assert network.outputs == 1


def test_lazy_layers_are_to_run_first():
    with pytest.raises(Untranslatable, match=r"^1: its parameters have no shape before the first batch"):
        record(nn.Sequential(nn.Flatten(), nn.LazyLinear(3)), (8,))


class Noisy(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(8, 3)

    def forward(self, x):
        return self.layer(x + 0.1 * torch.randn_like(x))


def test_noise_is_called_noise():
    with pytest.raises(Untranslatable, match="random numbers are added to a result"):
        lrbound.from_torch(Noisy(), (8,))
