"""Weights, biases and gammas as they were drawn, and what a spec says of them."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import lrbound
from lrbound.importing.record import record
from lrbound.importing.translate import translate
from tests.importing.reading import imported, refusal


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


def test_initialisations_are_named_by_a_vote_and_written_as_people_call_them():
    torch.manual_seed(0)
    text = translate(record(Vgg(), (3, 32, 32))).text

    assert "# conv2d (4 layers): kaiming_normal_(mode='fan_out')\n" in text
    assert "# linear (2 layers): standard deviation 0.01\n" in text
    assert "\ninit: {kaiming_normal: {mode: fan_out}}\n" in text
    assert "conv2d: {channels: 32, kernel: 3, padding: 1}  # features.0" in text
    assert "linear: {features: 256, init: {std: 0.01}}  # classifier.0" in text
    assert "linear: {features: 10, init: {std: 0.01}}  # classifier.2" in text


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


def test_constant_biases_are_written_as_their_mean():
    torch.manual_seed(0)
    model = dense(lambda model: nn.init.constant_(model[0].bias, 0.1), lambda model: nn.init.zeros_(model[2].bias))

    text = translate(record(model, (100,))).text

    network = lrbound.parse(text)
    inits = [node.layer.init or network.init for node in network.nodes[::2]]
    assert [(init.bias_mean, init.bias_variance) for init in inits] == [(0.1, 0.0), (0.0, 0.0)]


def test_weights_of_0_are_a_form():
    torch.manual_seed(0)
    text = translate(record(dense(lambda model: nn.init.zeros_(model[2].weight)), (100,))).text

    assert "init: {zeros: {}, bias: pytorch}" in text


def dense(*changes):
    model = nn.Sequential(nn.Linear(100, 200), nn.ReLU(), nn.Linear(200, 3))
    for change in changes:
        change(model)
    return model


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (
            lambda model: model[0].weight.requires_grad_(requires_grad=False),
            "0 (Linear): its weights are frozen (requires_grad is False); a spec trains the weights of all its layers",
        ),
        (
            lambda model: nn.init.normal_(model[0].weight, 0.05, 0.1),
            (
                "0 (Linear): the mean of its weights, 0.0492, is 70 standard errors from 0, as after training; a spec describes "
                "networks at initialisation, so give the model before weights are loaded"
            ),
        ),
    ],
    ids=["frozen weights", "a mean off zero"],
)
def test_parameters_that_no_initialisation_describes_are_refused(change, text):
    torch.manual_seed(0)
    assert refusal(dense(change), 100) == [text]


def test_a_usual_deviation_is_a_rule_of_a_single_layer():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(50, 250), nn.ReLU(), nn.Linear(250, 10))
    nn.init.normal_(model[2].weight, std=0.01)

    text = translate(record(model, (50,))).text

    assert "# linear (1 layer): standard deviation 0.01\n" in text
    assert "fit no known rule" not in text


@pytest.mark.parametrize("seed", range(5))
def test_a_few_small_biases_are_not_taken_for_torchs_default(seed):
    torch.manual_seed(seed)
    layer = nn.Conv2d(1, 16, 1)  # torch's default has biases of variance 1/3 here
    nn.init.normal_(layer.bias, std=0.1)
    model = nn.Sequential(layer, nn.AdaptiveAvgPool2d(1), nn.Flatten())

    network = lrbound.from_torch(model, (1, 4, 4))

    init = network.nodes[0].layer.init or network.init
    assert init.sigma_b2(1) == pytest.approx(0.01, rel=1.0)


def test_torchs_default_is_seen_in_a_few_values():
    wrong = 0
    for seed in range(40):
        torch.manual_seed(seed)
        network = lrbound.from_torch(nn.Sequential(nn.Linear(7, 6), nn.Tanh(), nn.Linear(6, 3)), (7,))
        wrong += any((node.layer.init or network.init) != network.init for node in network.nodes[::2])
    assert wrong <= 1
