"""Models as people write them, and the layers that they become."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from lrbound.importing.record import record
from lrbound.importing.translate import translate
from tests.importing.reading import imported, refusal, spec


class Functional(nn.Module):
    """The first network of most tutorials."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 10, 5)
        self.conv2 = nn.Conv2d(10, 20, 5)
        self.fc1 = nn.Linear(320, 50)
        self.fc2 = nn.Linear(50, 10)

    def forward(self, x):
        x = F.relu(F.max_pool2d(self.conv1(x), 2))
        x = F.relu(F.max_pool2d(self.conv2(x), 2))
        x = x.view(-1, 320)
        x = F.dropout(F.relu(self.fc1(x)), training=self.training)
        return F.log_softmax(self.fc2(x), dim=1)


def test_a_forward_pass_of_functions_reads_like_one_of_modules():
    assert imported(Functional, 1, 28, 28) == spec("""
        - conv2d: {channels: 10, kernel: 5}
        - max_pool2d: 2
        - relu
        - conv2d: {channels: 20, kernel: 5}
        - max_pool2d: 2
        - relu
        - flatten
        - linear: 50
        - relu
        - dropout
        - linear: 10
    """)


def test_a_log_softmax_at_the_output_makes_the_loss_a_cross_entropy():
    translation = translate(record(Functional(), (1, 28, 28)))

    assert type(translation.network.training.loss).__name__ == "CrossEntropy"
    assert translation.notes == ("the log_softmax at the output is read as part of the loss, cross_entropy",)


def test_a_dense_net_on_images_without_channels_is_flattened_first():
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 10))

    assert imported(model, 28, 28) == spec("""
        - flatten
        - repeat:
            times: 2
            layers:
              - linear: 64
              - tanh
        - linear: 10
    """)


class CifarBlock(nn.Module):
    def __init__(self, inputs, outputs, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Sequential()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += self.shortcut(x)
        return F.relu(out)


class CifarResNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layers = nn.ModuleList([CifarBlock(16, 16), CifarBlock(16, 16), CifarBlock(16, 32, 2)])
        self.linear = nn.Linear(32, 10)

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        for layer in self.layers:
            out = layer(out)
        out = F.avg_pool2d(out, out.size()[3])
        out = out.view(out.size(0), -1)
        return self.linear(out)


def test_a_residual_net_with_an_average_over_its_last_map_ends_in_global_avg_pool():
    assert imported(CifarResNet, 3, 32, 32) == spec("""
        - conv2d: {channels: 16, kernel: 3, padding: 1, bias: false}
        - batch_norm
        - relu
        - repeat:
            times: 2
            layers:
              - residual:
                  layers:
                    - conv2d: {channels: 16, kernel: 3, padding: 1, bias: false}
                    - batch_norm
                    - relu
                    - conv2d: {channels: 16, kernel: 3, padding: 1, bias: false}
                    - batch_norm
              - relu
        - residual:
            layers:
              - conv2d: {channels: 32, kernel: 3, stride: 2, padding: 1, bias: false}
              - batch_norm
              - relu
              - conv2d: {channels: 32, kernel: 3, padding: 1, bias: false}
              - batch_norm
            shortcut:
              - conv2d: {channels: 32, kernel: 1, stride: 2, bias: false}
              - batch_norm
        - relu
        - global_avg_pool
        - linear: 10
    """)


class SqueezeExcite(nn.Module):
    def __init__(self, channels, reduction):
        super().__init__()
        self.conv = nn.Conv2d(3, channels, 3)
        self.avg_pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Sequential(
            nn.Linear(channels, channels // reduction),
            nn.ReLU(inplace=True),
            nn.Linear(channels // reduction, channels),
            nn.Sigmoid(),
        )
        self.out = nn.Linear(channels, 10)

    def forward(self, x):
        x = self.conv(x)
        b, c, _, _ = x.size()
        y = self.fc(self.avg_pool(x).view(b, c)).view(b, c, 1, 1)
        x = x * y.expand_as(x)
        return self.out(x.mean([2, 3]))


def test_a_squeeze_and_excitation_of_dense_layers_is_recognised():
    assert imported(SqueezeExcite(32, 8), 3, 8, 8) == spec("""
        - conv2d: {channels: 32, kernel: 3}
        - squeeze_excite: 8
        - global_avg_pool
        - linear: 10
    """)


class Gated(nn.Module):
    """A gate with 24 units for 32 channels."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 32, 3)
        self.squeeze, self.excite = nn.Conv2d(32, 24, 1), nn.Conv2d(24, 32, 1)
        self.out = nn.Linear(32, 10)

    def forward(self, x):
        x = self.conv(x)
        gate = torch.sigmoid(self.excite(F.silu(self.squeeze(F.adaptive_avg_pool2d(x, 1)))))
        return self.out(torch.flatten(F.adaptive_avg_pool2d(gate * x, 1), 1))


def test_units_that_no_reduction_gives_are_written_as_they_are():
    assert imported(Gated, 3, 8, 8) == spec("""
        - conv2d: {channels: 32, kernel: 3}
        - squeeze_excite: {units: 24, activation: silu}
        - global_avg_pool
        - linear: 10
    """)


class TanhGate(Gated):
    def forward(self, x):
        x = self.conv(x)
        gate = torch.sigmoid(self.excite(torch.tanh(self.squeeze(F.adaptive_avg_pool2d(x, 1)))))
        return self.out(torch.flatten(F.adaptive_avg_pool2d(gate * x, 1), 1))


def test_a_gate_that_squeeze_excite_cannot_say_stays_a_product():
    assert imported(TanhGate, 3, 8, 8) == spec("""
        - conv2d: {channels: 32, kernel: 3}
        - multiply:
            - - global_avg_pool
              - linear: 24
              - tanh
              - linear: 32
              - sigmoid
            - []
        - global_avg_pool
        - linear: 10
    """)


class Inception(nn.Module):
    def __init__(self):
        super().__init__()
        self.one = nn.Conv2d(16, 8, 1)
        self.three = nn.Sequential(nn.Conv2d(16, 8, 1), nn.ReLU(), nn.Conv2d(8, 12, 3, padding=1))
        self.pool = nn.Conv2d(16, 4, 1)
        self.head = nn.Linear(24, 5)

    def forward(self, x):
        pooled = self.pool(F.max_pool2d(x, 3, stride=1, padding=1))
        x = torch.cat([self.one(x), self.three(x), pooled], dim=1)
        return self.head(F.relu(x).mean((-1, -2)))


def test_an_inception_block_is_a_concatenation():
    assert imported(Inception, 16, 8, 8) == spec("""
        - concat:
            - - conv2d: {channels: 8, kernel: 1}
            - - conv2d: {channels: 8, kernel: 1}
              - relu
              - conv2d: {channels: 12, kernel: 3, padding: 1}
            - - max_pool2d: {kernel: 3, stride: 1, padding: 1}
              - conv2d: {channels: 4, kernel: 1}
        - relu
        - global_avg_pool
        - linear: 5
    """)


class OneShot(nn.Module):
    """VoVNet's block: every layer's result goes into one concatenation."""

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(nn.Conv2d(8, 8, 3, padding=1) for _ in range(3))
        self.head = nn.Linear(32, 5)

    def forward(self, x):
        results = [x]
        for layer in self.layers:
            results.append(layer(results[-1]))
        return self.head(torch.cat(results, 1).mean((2, 3)))


def test_branches_that_begin_alike_are_written_once():
    assert imported(OneShot, 8, 8, 8) == spec("""
        - concat:
            - []
            - - conv2d: {channels: 8, kernel: 3, padding: 1}
              - concat:
                  - []
                  - - conv2d: {channels: 8, kernel: 3, padding: 1}
                    - concat:
                        - []
                        - - conv2d: {channels: 8, kernel: 3, padding: 1}
        - global_avg_pool
        - linear: 5
    """)


class Swish(nn.Module):
    def forward(self, x):
        return x * torch.sigmoid(x)


def test_an_activation_that_is_written_out_is_recognised():
    assert imported(nn.Sequential(nn.Linear(8, 20), Swish(), nn.Linear(20, 3)), 8) == spec("""
        - linear: 20
        - silu
        - linear: 3
    """)


def test_padding_of_its_own_goes_into_the_convolution():
    padded = [
        nn.ZeroPad2d(1),
        nn.Conv2d(3, 8, 3),
        nn.ReLU(),
        nn.Conv2d(8, 8, 3, padding="same", padding_mode="circular"),
    ]

    assert imported(nn.Sequential(*padded, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 2)), 3, 8, 8) == spec("""
        - conv2d: {channels: 8, kernel: 3, padding: 1}
        - relu
        - conv2d: {channels: 8, kernel: 3, padding: 1, padding_mode: circular}
        - global_avg_pool
        - linear: 2
    """)


class InPlace(nn.Module):
    """The shortcut is the tensor that the activation overwrites."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 2)

    def forward(self, x):
        x = self.a(x)
        shortcut = x
        y = self.b(F.relu(x, inplace=True))
        return self.c(y + shortcut)


def test_an_activation_in_place_acts_on_every_name_of_its_tensor():
    assert imported(InPlace, 8) == spec("""
        - linear: 8
        - relu
        - residual:
            layers:
              - linear: 8
        - linear: 2
    """)


def test_positions_in_a_row_and_their_mean_are_a_global_average():
    class Rows(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.fc = nn.Conv2d(3, 8, 3), nn.Linear(8, 2)

        def forward(self, x):
            return self.fc(self.conv(x).flatten(2).mean(dim=-1))

    assert imported(Rows, 3, 8, 8) == spec("""
        - conv2d: {channels: 8, kernel: 3}
        - global_avg_pool
        - linear: 2
    """)


class PaddedByNothing(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.head = nn.Conv2d(3, 8, 3), nn.Linear(8, 2)

    def forward(self, x):
        return self.head(F.pad(self.conv(x), (0, 0, 0, 0), mode="reflect").mean((2, 3)))


def test_padding_by_nothing_is_nothing():
    assert imported(PaddedByNothing, 3, 8, 8) == spec("""
        - conv2d: {channels: 8, kernel: 3}
        - global_avg_pool
        - linear: 2
    """)


class Capped(nn.Module):
    def __init__(self, norm):
        super().__init__()
        self.first, self.norm, self.head = nn.Linear(8, 20), norm, nn.Linear(20, 2)

    def forward(self, x):
        return self.head(self.norm(self.first(x)).clamp(0.0, 10.0))


def test_a_cap_that_no_normalised_unit_reaches_is_left_out():
    assert imported(Capped(nn.BatchNorm1d(20)), 8) == spec("""
        - linear: 20
        - batch_norm
        - relu
        - linear: 2
    """)


@pytest.mark.parametrize("norm", [nn.Identity(), nn.LayerNorm(20)])
def test_a_cap_that_units_may_reach_is_refused(norm):
    (line,) = refusal(Capped(norm), 8)
    assert "values are limited to [0, 10]" in line
