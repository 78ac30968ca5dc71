"""Models as people write them: what they become, and what is said where they cannot become a spec."""

from __future__ import annotations

import random
import textwrap

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import lrbound
from lrbound.importing.record import record
from lrbound.importing.refusal import ModelError, Untranslatable
from lrbound.importing.translate import translate


def imported(model, *shape, partial=False):
    """Return the list of layers as text, without comments; the parameters must be the model's."""
    torch.manual_seed(0)
    model = model() if isinstance(model, type) else model
    translation = translate(record(model, shape), partial=partial)
    if not partial:
        assert translation.network.parameters == sum(p.numel() for p in model.parameters() if p.requires_grad)
    lines = [line.partition("  #")[0] for line in translation.text.splitlines() if not line.startswith("#")]
    return "\n".join(line.removeprefix("  ") for line in lines[lines.index("layers:") + 1 :])


def refusal(model, *shape):
    """Return what is said about a model that cannot be translated, line by line."""
    torch.manual_seed(0)
    with pytest.raises(Untranslatable) as refused:
        translate(record(model() if isinstance(model, type) else model, shape))
    return str(refused.value).splitlines()


def spec(text):
    return textwrap.dedent(text).strip()


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


class Vgg(nn.Module):
    """Without normalisation, drawn as its authors draw it, biases at 0."""

    def __init__(self):
        super().__init__()
        layers, inputs = [], 3
        for width in (32, 32, "M", 64, 64, "M"):
            if width == "M":
                layers.append(nn.MaxPool2d(2, 2))
            else:
                layers += [nn.Conv2d(inputs, width, 3, padding=1), nn.ReLU(True)]
                inputs = width
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(nn.Linear(64 * 64, 256), nn.ReLU(True), nn.Linear(256, 10))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                fan = module.kernel_size[0] * module.kernel_size[1] * module.out_channels
                module.weight.data.normal_(0, (2.0 / fan) ** 0.5)
                module.bias.data.zero_()
            elif isinstance(module, nn.Linear):
                module.weight.data.normal_(0, 0.01)
                module.bias.data.zero_()

    def forward(self, x):
        x = self.features(x)
        return self.classifier(x.reshape(x.shape[0], -1))


def test_initialisations_are_named_by_a_vote_and_written_over_fan_in():
    torch.manual_seed(0)
    text = translate(record(Vgg(), (3, 32, 32))).text

    assert "# conv2d (4 layers): kaiming_normal_(mode='fan_out')\n" in text
    assert "# linear (2 layers): standard deviation 0.01\n" in text
    assert "conv2d: {channels: 32, kernel: 3, padding: 1, init: {weight_variance: 0.1875}}  # features.0" in text
    assert "linear: {features: 256, init: {weight_variance: 0.4096}}  # classifier.0" in text
    assert "linear: {features: 10, init: {weight_variance: 0.0256}}  # classifier.2" in text


def test_gammas_that_differ_are_written_as_their_root_mean_square():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(100, 400), nn.BatchNorm1d(400), nn.ReLU(), nn.Linear(400, 2))
    nn.init.normal_(model[1].weight, 1.0, 0.02)

    translation = translate(record(model, (100,)))

    square = model[1].weight.square().mean().sqrt().item()
    assert translation.network.nodes[1].layer.gamma == pytest.approx(square, rel=1e-4)
    assert "  # 1; gamma is the root mean square of 400 different ones\n" in translation.text
    assert translation.notes == ("gammas that differ from channel to channel are written as their root mean square",)


def test_a_gamma_of_zero_is_written():
    model = nn.Sequential(nn.Linear(8, 20), nn.BatchNorm1d(20), nn.ReLU(), nn.Linear(20, 3))
    nn.init.zeros_(model[1].weight)

    assert "- batch_norm: 0.0" in imported(model, 8)


def test_frozen_gammas_and_betas_are_not_learnable():
    model = nn.Sequential(nn.Linear(8, 20), nn.LayerNorm(20), nn.ReLU(), nn.Linear(20, 3))
    model[1].requires_grad_(requires_grad=False)

    assert "- layer_norm: {learnable: false}" in imported(model, 8)


def test_weights_that_no_rule_fits_are_written_as_measured():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(100, 400), nn.ReLU(), nn.Linear(400, 2))
    nn.init.normal_(model[0].weight, 0.0, 0.0777)

    translation = translate(record(model, (100,)))

    init = translation.network.nodes[0].layer.init
    assert init.weight_variance == pytest.approx(100 * 0.0777**2, rel=0.02)
    assert "weight_variance as measured" in translation.text
    assert translation.notes == (
        (
            "the weights of 1 layer fit no known rule, so that their variance was measured; if they are trained, give the "
            "model before weights are loaded: the theory is that of initialisation"
        ),
    )


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
    model = CifarResNet()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    state = torch.get_rng_state()

    record(model, (3, 32, 32))

    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


# --- what is refused, in whole sentences -------------------------------------------------------------------------------


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


def test_a_convnext_block_is_refused_for_its_axes_and_its_layer_scale():
    lines = refusal(ConvNeXtBlock, 16, 8, 8)

    assert lines[0].startswith("ConvNeXtBlock, test_small_models.py:")
    assert lines[0].endswith(
        ": 'permute' changes the order of the axes; a spec keeps [channels, height, width], so give the model with layers "
        "that act on channels first"
    )
    assert any(
        line.endswith("the parameter gamma is multiplied with a result; a spec has weights in its layers only")
        for line in lines
    )


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
        "network that computes the same for every input; see test_small_models.py:"
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


def dense(*changes):
    model = nn.Sequential(nn.Linear(100, 200), nn.ReLU(), nn.Linear(200, 3))
    for change in changes:
        change(model)
    return model


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (
            lambda model: nn.init.constant_(model[0].bias, 0.1),
            "0 (Linear): its biases are all 0.1; a spec has biases of mean 0 only, so start them from 0 or from a distribution",
        ),
        (
            lambda model: model[0].weight.requires_grad_(requires_grad=False),
            "0 (Linear): its weights are frozen (requires_grad is False); a spec trains the weights of all its layers",
        ),
        (
            lambda model: nn.init.zeros_(model[2].weight),
            "2 (Linear): its weights are all 0, for which a spec has no initialisation; leave the layer out to see the others",
        ),
        (
            lambda model: nn.init.normal_(model[0].weight, 0.05, 0.1),
            (
                "0 (Linear): the mean of its weights, 0.0492, is 70 standard errors from 0, as after training; a spec describes "
                "networks at initialisation, so give the model before weights are loaded"
            ),
        ),
    ],
    ids=["constant biases", "frozen weights", "zero weights", "a mean off zero"],
)
def test_parameters_that_no_initialisation_describes_are_refused(change, text):
    torch.manual_seed(0)
    assert refusal(dense(change), 100) == [text]


def test_all_reasons_come_at_once_and_equal_ones_together():
    model = nn.Sequential(
        nn.Conv2d(3, 8, (1, 7)),
        nn.Conv2d(8, 8, (1, 7)),
        nn.PReLU(),
        nn.Conv2d(8, 8, 3, dilation=2),
        nn.Flatten(),
        nn.Linear(2560, 2),
    )

    lines = refusal(model, 3, 24, 32)

    assert lines == [
        "2 (PReLU): 'prelu' has a slope that is trained, for which a spec has no layer; leaky_relu has a fixed one",
        "3 (Conv2d): its filter is dilated ((2, 2)); conv2d of a spec has no dilation",
    ]


def test_a_partial_spec_marks_what_stands_in():
    model = nn.Sequential(nn.Linear(8, 20), nn.PReLU(), nn.Linear(20, 3))

    translation = translate(record(model, (8,)), partial=True)

    assert [node.layer.kind for node in translation.network.nodes] == ["linear", "identity", "linear"]
    assert (
        "- identity  # 1 (PReLU); STAND-IN: 'prelu' has a slope that is trained, for which a spec has no layer; leaky_relu has a fixed one\n"
    ) in translation.text
    assert "# NOT TRANSLATED: 1 (PReLU): 'prelu' has a slope that is trained" in translation.text
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
            f"Broadcast, test_small_models.py:{Broadcast.forward.__code__.co_firstlineno + 2}: 'mul' of [2, 2, 2] and [2]; "
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
        f"ByHand, test_small_models.py:{line}: 'matmul' multiplies a result with a parameter by hand; write it as torch.nn.Linear",
        f"ByHand, test_small_models.py:{line}: the parameter scale is added to a result; a spec has weights in its layers only",
        (
            f"ByHand, test_small_models.py:{line}: a fixed number, 2, is multiplied with a result ('div'); a spec has no layer "
            "for it, so leave it out"
        ),
    ]


def test_wrappers_of_torch_are_looked_through():
    inner = nn.Sequential(nn.Linear(8, 20), nn.ReLU(), nn.Linear(20, 3))

    assert lrbound.from_torch(nn.DataParallel(inner), (8,)).nodes == lrbound.from_torch(inner, (8,)).nodes


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
