"""Models that cannot become a spec, and what is said of each."""

from __future__ import annotations

import random

import torch
import torch.nn.functional as F
from torch import nn

import lrbound
from lrbound.importing.record import record
from lrbound.importing.translate import translate
from tests.importing.reading import refusal


class ConvNeXtBlock(nn.Module):
    def __init__(self):
        super().__init__()
        self.dwconv = nn.Conv2d(16, 16, 7, padding=3, groups=16)
        self.norm = nn.LayerNorm(16)
        self.pwconv1 = nn.Linear(16, 64)
        self.pwconv2 = nn.Linear(64, 16)
        self.gamma = nn.Parameter(1e-6 * torch.ones(16))
        self.head = nn.Linear(16, 10)

    def forward(self, x):
        y = self.dwconv(x).permute(0, 2, 3, 1)
        y = self.gamma * self.pwconv2(F.gelu(self.pwconv1(self.norm(y))))
        x = x + y.permute(0, 3, 1, 2)
        return self.head(x.mean([-2, -1]))


def test_a_convnext_block_has_norms_over_channels_dense_layers_as_filters_and_a_scale():
    model = ConvNeXtBlock()

    network = lrbound.from_torch(model, (16, 8, 8))

    block = network.nodes[0].layer.layers
    kinds = [node.layer.kind for node in block]
    assert kinds == ["conv2d", "layer_norm", "conv2d", "gelu", "conv2d", "layer_scale"]
    assert block[1].layer.axes == "channels"
    assert network.parameters == sum(parameter.numel() for parameter in model.parameters())


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.down = nn.Conv2d(3, 8, 3, padding=1)
        self.up = nn.ConvTranspose2d(8, 8, 2, stride=2)
        self.out = nn.Conv2d(16, 1, 1)

    def forward(self, x):
        skip = F.relu(self.down(x))
        return self.out(torch.cat([self.up(F.max_pool2d(skip, 2)), skip], 1))


def test_a_u_net_is_refused_for_its_upsampling_and_its_output():
    assert refusal(UNet, 3, 16, 16) == [
        (
            "up (ConvTranspose2d): 'conv_transpose2d' makes maps larger, for which a spec has no layer; predict the part "
            "before it, with a global average pool and a linear layer as its end"
        ),
        (
            "UNet: the output has the shape [1, 16, 16], but a spec ends in flat outputs; end the model with a global average "
            "pool or flatten, and a linear layer"
        ),
    ]


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(28, 32, batch_first=True)
        self.fc = nn.Linear(32, 10)

    def forward(self, x):
        out, _ = self.lstm(x)
        return self.fc(out[:, -1])


def test_an_lstm_is_refused_for_using_its_weights_at_every_step():
    assert refusal(Recurrent, 28, 28)[0] == (
        "lstm (LSTM): 'lstm' uses the same weights at every step; the theory takes weights as independent, "
        "and a spec has no layer for it"
    )


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.shared, self.last = nn.Linear(8, 16), nn.Linear(16, 16), nn.Linear(16, 2)

    def forward(self, x):
        x = F.relu(self.first(x))
        for _ in range(3):
            x = F.relu(self.shared(x))
        return self.last(x)


def test_weights_that_are_used_twice_are_refused():
    assert refusal(Tied, 8) == [
        "shared (Linear): the parameter shared.weight is used 3 times; the theory takes weights as independent, so give every use its own",
        "shared (Linear): the parameter shared.bias is used 3 times; the theory takes weights as independent, so give every use its own",
    ]


class Standardised(nn.Conv2d):
    def forward(self, x):
        mean = self.weight.mean(dim=(1, 2, 3), keepdim=True)
        return F.conv2d(x, (self.weight - mean) / self.weight.std(dim=(1, 2, 3), keepdim=True), self.bias)


def test_weights_that_are_computed_from_weights_are_refused():
    model = nn.Sequential(Standardised(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(288, 2))

    assert refusal(model, 3, 8, 8) == [
        "0 (Standardised): its weights are computed from other weights; the theory takes weights as drawn; give the model without the reparametrisation"
    ]


class DataDependent(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(8, 8), nn.Linear(8, 2)

    def forward(self, x):
        x = self.a(x)
        if x.mean() > 0:
            x = F.relu(x)
        return self.b(x)


def test_control_flow_that_depends_on_the_data_is_refused():
    (line,) = refusal(DataDependent, 8)

    assert line.startswith(
        "DataDependent: the forward pass asks for the values of a tensor (an if, a loop or .item() on data); a spec describes a "
        "network that computes the same for every input; see test_refusals.py:"
    )
    assert line.endswith(": if x.mean() > 0:")


class RandomDepth(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(8, 8) for _ in range(4))

    def forward(self, x):
        for layer in self.layers:
            if random.random() < 0.9:
                x = layer(x)
        return x


def test_control_flow_that_is_random_is_refused():
    assert (
        "1 (RandomDepth): the forward pass draws random numbers outside torch's layers, so that it differs from run to run; "
        "give the module without them"
    ) in refusal(nn.Sequential(nn.Linear(4, 8), RandomDepth(), nn.Linear(8, 2)), 4)


class Counting(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc, self.steps = nn.Linear(8, 2), 0

    def forward(self, x):
        self.steps += 1
        return F.relu(self.fc(x)) if self.steps % 2 else self.fc(x)


def test_a_forward_pass_that_differs_from_call_to_call_is_refused():
    assert refusal(Counting, 8) == [
        "Counting: two runs of the forward pass computed different things; a spec describes one that is always the same"
    ]


class StochasticDepth(nn.Module):
    def forward(self, x):
        noise = torch.empty([x.shape[0], 1, 1, 1], dtype=x.dtype, device=x.device).bernoulli_(0.8).div_(0.8)
        return x * noise


def test_stochastic_depth_is_refused():
    model = nn.Sequential(nn.Conv2d(3, 8, 3), StochasticDepth(), nn.Flatten(), nn.Linear(288, 2))

    (line,) = refusal(model, 3, 8, 8)

    assert line == (
        "1 (StochasticDepth): random numbers are multiplied with a result (stochastic depth, noise); a spec has dropout only, so set it to 0"
    )


class FrozenNorm(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc, self.bn, self.out = nn.Linear(8, 16), nn.BatchNorm1d(16), nn.Linear(16, 2)
        self.bn.eval()

    def forward(self, x):
        return self.out(F.relu(self.bn(self.fc(x))))


def test_a_normaliser_that_stays_in_evaluation_mode_is_refused():
    assert refusal(FrozenNorm, 8) == [
        (
            "bn (BatchNorm1d): it is in evaluation mode, with fixed statistics; a spec normalises by those of the batch, so call "
            "model.train(), and do not freeze it"
        )
    ]


def test_all_reasons_come_at_once_and_equal_ones_together():
    model = nn.Sequential(
        nn.Conv2d(3, 8, (1, 7)),
        nn.Conv2d(8, 8, (1, 7)),
        nn.Tanhshrink(),
        nn.Softmin(dim=1),
        nn.Flatten(),
        nn.Linear(3840, 2),
    )

    lines = refusal(model, 3, 24, 32)

    assert lines == [
        "2 (Tanhshrink): 'tanhshrink' has no layer in a spec; give the model without it, or write this part by hand",
        "3 (Softmin): 'softmin' has no layer in a spec; give the model without it, or write this part by hand",
    ]


def test_a_partial_spec_marks_what_stands_in():
    model = nn.Sequential(nn.Linear(8, 20), nn.Tanhshrink(), nn.Linear(20, 3))

    translation = translate(record(model, (8,)), partial=True)

    assert [node.layer.kind for node in translation.network.nodes] == ["linear", "identity", "linear"]
    assert (
        "- identity  # 1 (Tanhshrink); STAND-IN: 'tanhshrink' has no layer in a spec; give the model without it, or write this "
        "part by hand\n"
    ) in translation.text
    assert "# NOT TRANSLATED: 1 (Tanhshrink): 'tanhshrink' has no layer in a spec" in translation.text
    assert len(translation.stand_ins) == 1


class Crossing(nn.Module):
    """Two branches that read each other's first half."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.c, self.d, self.e = (nn.Linear(8, 8) for _ in range(5))

    def forward(self, x):
        left, right = self.a(x), self.b(x)
        top = self.c(left) + self.d(right)
        bottom = F.relu(left) + torch.tanh(right)
        return self.e(top * bottom)


def test_branches_that_cross_are_refused_at_the_place_that_both_read():
    (line,) = refusal(Crossing, 8)

    assert line in {
        f"{place} (Linear): its result is used in two branches that do not end in the same place; branches of a spec begin "
        "and end together"
        for place in "ab"
    }


class ChangedView(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(8, 8), nn.Linear(8, 8)

    def forward(self, x):
        x = self.a(x)
        view = x.view(-1, 2, 4)
        view.relu_()
        return self.b(x)


def test_a_tensor_that_changes_through_a_view_of_it_is_refused():
    line = refusal(ChangedView, 8)[0]

    assert line.startswith("b (Linear)")
    assert line.endswith(": a tensor is read after a view of it was changed in place; write the operation out of place")


class Broadcast(nn.Module):
    """A vector times a map whose width is the number of channels: torch multiplies along the wrong axis."""

    def __init__(self):
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 2, 3, padding=1), nn.Linear(8, 2)

    def forward(self, x):
        x = self.conv(x)
        return self.fc((x * x.mean((2, 3))).flatten(1))


def test_a_product_along_another_axis_than_the_channels_is_refused():
    assert refusal(Broadcast, 3, 2, 2) == [
        (
            f"Broadcast, test_refusals.py:{Broadcast.forward.__code__.co_firstlineno + 2}: 'mul' of [2, 2, 2] and [2]; "
            "branches of a spec have equal shapes, or are gates of each channel"
        )
    ]


class ByHand(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight, self.scale = nn.Parameter(torch.randn(8, 3)), nn.Parameter(torch.ones(3))

    def forward(self, x):
        return (x @ self.weight + self.scale) / 2


def test_weights_outside_layers_are_refused():
    line = ByHand.forward.__code__.co_firstlineno + 1

    assert refusal(ByHand, 8) == [
        f"ByHand, test_refusals.py:{line}: 'matmul' multiplies a result with a parameter by hand; write it as torch.nn.Linear",
        f"ByHand, test_refusals.py:{line}: a parameter of its own is added to a result (layer scale, embedding); a spec has weights in its layers only",
        (
            f"ByHand, test_refusals.py:{line}: a fixed number, 2, is multiplied with a result ('div'); a spec has no layer "
            "for it, so leave it out"
        ),
    ]


class Patches(nn.Module):
    """The beginning of a vision transformer: positions as tokens, and what acts on them."""

    def __init__(self):
        super().__init__()
        self.patch = nn.Conv2d(3, 12, 4, stride=4)
        self.norm, self.up, self.down = nn.LayerNorm(12), nn.Linear(12, 48), nn.Linear(48, 12)
        self.head = nn.Linear(12, 5)

    def forward(self, x):
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = x + self.down(F.gelu(self.up(self.norm(x))))
        return self.head(x.mean(dim=1))


def test_what_follows_from_axes_that_were_refused_is_not_said_again():
    (line,) = refusal(Patches, 3, 16, 16)
    assert "'transpose' changes the order of the axes" in line


class Shuffled(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second, self.head = nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 1), nn.Linear(8, 3)

    def forward(self, x):
        a, b = x[:, :4], x[:, 4:]
        y = torch.cat([self.first(a), self.second(b)], 1) * 0.5
        return self.head(y.view(-1, 2, 4, 6, 6).flatten(1, 2).mean((2, 3)))


def test_reasons_that_do_not_follow_from_one_another_all_come():
    lines = refusal(Shuffled, 8, 6, 6)
    assert [next(word for word in ("apart", "0.5", "axes") if word in line) for line in lines] == ["apart", "0.5"]
