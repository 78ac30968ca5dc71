"""Initialisations as people write them, against torch's own functions."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import lrbound
from lrbound.empirical.measure import measure
from lrbound.importing.write import scalar
from lrbound.init import BIASES, FORMS, NAMED, Fans, Init, spelled
from lrbound.layers.conv2d import Conv2d
from lrbound.layers.linear import Linear
from lrbound.spec import SpecError

LAYERS = {
    "dense": (Linear(features=600), (400,)),
    "convolution": (Conv2d(channels=96, kernel=3), (64, 8, 8)),
    "grouped": (Conv2d(channels=128, kernel=5, groups=8), (64, 9, 9)),
}
CALLS = {
    "{kaiming_normal: {mode: fan_out}}": lambda w: nn.init.kaiming_normal_(w, mode="fan_out"),
    "{kaiming_normal: {nonlinearity: tanh}}": lambda w: nn.init.kaiming_normal_(w, nonlinearity="tanh"),
    "{kaiming_uniform: {a: 0.2, mode: fan_out}}": lambda w: nn.init.kaiming_uniform_(w, a=0.2, mode="fan_out"),
    "kaiming_normal": nn.init.kaiming_normal_,
    "kaiming_uniform": nn.init.kaiming_uniform_,
    "{kaiming_uniform: {nonlinearity: selu}}": lambda w: nn.init.kaiming_uniform_(w, nonlinearity="selu"),
    "xavier_normal": nn.init.xavier_normal_,
    "{xavier_uniform: {gain: 1.6}}": lambda w: nn.init.xavier_uniform_(w, gain=1.6),
    "xavier": nn.init.xavier_normal_,
    "keras": nn.init.xavier_uniform_,
    "{std: 0.02}": lambda w: nn.init.normal_(w, std=0.02),
    "{variance: 0.0004}": lambda w: nn.init.normal_(w, std=0.02),
    "{uniform: 0.05}": lambda w: nn.init.uniform_(w, -0.05, 0.05),
    "{trunc_normal: {std: 0.02}}": lambda w: nn.init.trunc_normal_(w, std=0.02),
    "{trunc_normal: {std: 1.5}}": lambda w: nn.init.trunc_normal_(w, std=1.5),
    "{trunc_normal: {std: 0.02, a: -0.03, b: 0.03}}": lambda w: nn.init.trunc_normal_(w, std=0.02, a=-0.03, b=0.03),
    "{orthogonal: {gain: 1.4}}": lambda w: nn.init.orthogonal_(w, gain=1.4),
    "zeros": nn.init.zeros_,
}
INITS = st.builds(
    Init,
    st.floats(1e-6, 1e3),
    st.sampled_from([0.0, 0.5]),
    bias_mean=st.sampled_from([0.0, 0.1]),
    fan=st.sampled_from(["in", "none"]),
)


def read(text: str) -> Init:
    return lrbound.parse(f"version: 1\ninput: {{shape: [4]}}\ninit: {text}\nlayers: [{{linear: 2}}]\n").init


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("text", CALLS)
def test_the_variance_is_that_of_torchs_own_function(text, name):
    torch.manual_seed(0)
    layer, shape = LAYERS[name]
    module = layer.torch(shape, read(text))
    theirs = CALLS[text](torch.empty_like(module.weight))
    n = theirs.numel()

    stated = read(text).variance(layer.fans(shape[0]))

    assert stated == pytest.approx(theirs.square().mean().item(), rel=6.0 / math.sqrt(n))
    assert module.weight.detach().square().mean().item() == pytest.approx(stated, rel=6.0 / math.sqrt(n))
    assert float(module.bias.detach().abs().max()) == 0.0


@pytest.mark.parametrize("text", ["std: 0.02", "orthogonal: {}", "xavier_uniform: {gain: 2}", "zeros: {}"])
def test_biases_stand_beside_any_form(text):
    init = read(f"{{{text}, bias_variance: 0.5, bias_mean: 0.1}}")

    assert (init.bias_variance, init.bias_mean) == (0.5, 0.1)


@given(INITS)
def test_what_is_spelled_is_read_back(init):
    again = read(scalar(init))

    assert again.variance(Fans(30, 40, 40)) == pytest.approx(init.variance(Fans(30, 40, 40)), rel=1e-9)
    assert (again.bias_variance, again.bias_mean) == (init.bias_variance, init.bias_mean)


@pytest.mark.parametrize("init", [*NAMED.values(), *(read(text) for text in CALLS)])
def test_known_ones_are_read_back_as_they_are(init):
    assert read(scalar(init)) == init


def test_every_form_that_people_name_comes_back_under_its_name():
    for text in CALLS:
        said = spelled(read(text))
        name = said if isinstance(said, str) else next(iter(said))
        assert name in NAMED or name in FORMS
        assert not isinstance(said, dict) or set(said) <= {name, *BIASES}


def test_kinds_of_layers_have_their_own():
    net = lrbound.parse(
        "version: 1\ninput: {shape: [3, 8, 8]}\ninit: {conv2d: {kaiming_normal: {mode: fan_out}}, linear: {std: 0.01}}\n"
        "layers: [{conv2d: {channels: 8, kernel: 3}}, relu, {conv2d: {channels: 8, kernel: 3, init: xavier}}, relu, "
        "global_avg_pool, {linear: 10}]\n"
    )

    inits = [node.layer.init for node in net.nodes if node.layer.has_weights]
    assert inits == [Init(2.0, fan="out"), NAMED["xavier"], read("{std: 0.01}")]


def codes(text: str) -> list[str]:
    net = lrbound.parse(
        f"version: 1\ninput: {{shape: [784]}}\ninit: {text}\ntraining: {{batch_size: 64}}\n"
        "layers: [{linear: 256}, relu, {linear: 256}, relu, {linear: 10}]\n"
    )
    return [notice.code for notice in lrbound.predict(net).warnings]


@pytest.mark.parametrize("text", ["{weight_variance: 0.0004}", "{weight_variance: 0.02}", "{std: 1.414}"])
def test_a_deviation_in_place_of_a_variance_is_noticed(text):
    assert "LRB044" in codes(text)


@pytest.mark.parametrize("text", ["he", "pytorch", "{std: 0.02}", "{weight_variance: 0.3}", "orthogonal", "{std: 0.1}"])
def test_usual_initialisations_are_not(text):
    assert "LRB044" not in codes(text)


def test_the_answer_has_the_deviations_it_came_to():
    net = lrbound.parse(
        "version: 1\ninput: {shape: [100]}\ninit: {weight_variance: 2}\nlayers: [{linear: 50}, relu, {linear: {features: 10, "
        "init: {std: 0.03}}}]\n"
    )

    found = [layer.weight_std for layer in lrbound.predict(net).layers]

    assert found == [pytest.approx(math.sqrt(0.02)), None, pytest.approx(0.03)]


def test_rates_above_weights_of_0_are_those_of_the_network_a_step_later():
    text = (
        "version: 1\ninput: {{shape: [100]}}\ninit: he\ntraining: {{batch_size: 64}}\nlayers: [{{linear: 200}}, relu, "
        "{{linear: 200}}, relu, {{linear: {{features: 10, init: {}}}}}]\n"
    )
    zero, random = (lrbound.predict(lrbound.parse(text.format(init))) for init in ("zeros", "lecun"))

    assert [(notice.code, notice.path) for notice in zero.warnings if notice.code == "LRB045"] == [
        ("LRB045", "layers.4")
    ]
    assert [layer.lambda_ > 0.0 for layer in zero.layers] == [False, False, False, False, True]
    assert zero.max_learning_rate == pytest.approx(random.max_learning_rate, rel=1e-9)
    assert zero.lambda_max < random.lambda_max


MEASURED = {
    "orthogonal, relu": (
        "{orthogonal: {gain: 1.4142135623730951}}",
        "[{linear: 128}, relu, {linear: 128}, relu, {linear: 10}]",
    ),
    "std, batch norm": (
        "{std: 0.02}",
        "[{linear: 128}, batch_norm, relu, {linear: 128}, batch_norm, relu, {linear: 10}]",
    ),
    "truncated, layer norm": (
        "{trunc_normal: {std: 0.1}}",
        "[{linear: 128}, layer_norm, gelu, {linear: 64}, silu, {linear: 10}]",
    ),
    "fan out, relu": ("{kaiming_uniform: {mode: fan_out}}", "[{linear: 200}, relu, {linear: 100}, relu, {linear: 10}]"),
    "zeros": (
        "{kaiming_normal: {}}",
        "[{linear: 128}, relu, {linear: 128}, relu, {linear: {features: 10, init: zeros}}]",
    ),
}


@pytest.mark.parametrize("name", MEASURED)
def test_lambda_max_of_drawn_networks(name):
    init, layers = MEASURED[name]
    net = lrbound.parse(
        f"version: 1\ninput: {{shape: [64]}}\ninit: {init}\ntraining: {{batch_size: 64}}\nlayers: {layers}\n"
    )
    values = [sample.lambda_max for sample in measure(net, seeds=6)]
    error = np.std(values) / math.sqrt(len(values)) / np.mean(values)

    assert lrbound.predict(net).lambda_max == pytest.approx(np.mean(values), rel=0.08 + 2.0 * error)


@pytest.mark.parametrize(
    ("text", "init"),
    [
        ("{kaiming_normal: {}, bias: pytorch}", Init(2.0, 1.0 / 3.0, bias_over_fan_in=True)),
        ("{std: 0.5, bias: zeros, bias_mean: 0.1}", Init(0.25, fan="none", bias_mean=0.1)),
        ("{weight_variance: 2, bias_std: 0.5}", Init(2.0, 0.25)),
    ],
)
def test_biases_stand_beside_a_form(text, init):
    assert read(text) == init
    assert read(scalar(init)) == init


def test_torchs_biases_are_those_of_its_layers():
    init, layer = read("{kaiming_normal: {}, bias: pytorch}"), nn.Linear(400, 5000)
    weight, bias = torch.empty(5000, 400), torch.empty(5000)
    init.draw(weight, bias, Fans(400, 5000, 5000))

    assert float(bias.abs().max()) <= 1.0 / 20.0 + 1e-6
    assert float(bias.var()) == pytest.approx(float(layer.bias.detach().var()), rel=0.1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{std: 0.1, bias: pytorch, bias_std: 1}", "'bias' and 'bias_std' both say how biases spread"),
        ("{trunc_normal: {std: 0.02, a: -1, b: 2}}", "'b' must be -'a', so that the mean of the weights is 0"),
        ("{trunc_normal: {std: 2, a: -0.01, b: 0.01}}", "write {uniform: 0.01}"),
    ],
)
def test_what_contradicts_itself_is_refused(text, message):
    with pytest.raises(SpecError) as caught:
        read(text)

    assert message in str(caught.value)
