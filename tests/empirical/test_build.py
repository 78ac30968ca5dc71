from __future__ import annotations

import pytest
import torch

import lrbound
from lrbound.empirical.measure import measure
from lrbound.fields import params
from lrbound.layers import LAYERS
from lrbound.layers._modules import LayerSequence, learnable
from lrbound.spec import SpecError
from tests.nets import network

VALUES = {"integer": "2", "pair": "2", "number": "0.5", "layers": "[relu]", "branches": "[[relu]]"}


def one_layer(name: str) -> lrbound.network.Network:
    """Return a network around one layer with the arguments that it must have, on images, signals or flat features."""
    required = ", ".join(
        f"{key}: {VALUES[param.type]}"
        for key, (param, default) in params(LAYERS.get(name)).items()
        if default is not None and not isinstance(default, str | int | float | bool | tuple)
    )
    layers = f"- {name}: {{{required}}}\n- flatten\n- linear: 3"
    for shape in ("[8, 4, 4]", "[8, 6]"):
        try:
            return network(layers, head=f"input: {{shape: {shape}}}")
        except SpecError:
            continue
    return network(layers, head="input: {shape: [8]}")


@pytest.mark.parametrize("name", LAYERS.names())
def test_every_layer_of_the_registry_builds_and_counts_its_parameters(name):
    net = one_layer(name)
    module = lrbound.to_torch(net)

    assert module(torch.randn(4, *net.input.shape)).shape == (4, 3)
    assert sum(parameter.numel() for _, parameter in learnable(module)) == net.parameters


def test_a_layer_is_found_by_its_place_in_the_spec():
    module = lrbound.to_torch(
        network("- repeat: {times: 2, layers: [{linear: 4}, relu]}\n- linear: 3", head="input: {shape: [4]}")
    )

    assert module.layer("layers.0.repeat[1].layers.0") is module[2]
    assert module.layer("layers.1").out_features == 3
    with pytest.raises(KeyError, match=r"layers\.7"):
        module.layer("layers.7")


def test_a_slice_keeps_the_layers_and_their_places():
    module = lrbound.to_torch(network("- linear: 5\n- relu\n- linear: 3", head="input: {shape: [4]}"))

    below = module[:-1]

    assert below.paths == ("layers.0", "layers.1")
    assert below.layer("layers.0") is module[0]
    assert module[-1] is module.layer("layers.2")


def test_parameters_inside_a_layer_belong_to_the_innermost_path():
    inner = LayerSequence([("layers.0.residual.layers.0", torch.nn.Linear(2, 2, bias=False))])
    outer = LayerSequence(
        [("layers.0", torch.nn.ModuleDict({"main": inner, "skip": torch.nn.Linear(2, 2, bias=False)}))]
    )

    assert [path for path, _ in learnable(outer)] == ["layers.0.residual.layers.0", "layers.0"]


def test_what_is_not_trained_is_no_parameter():
    module = lrbound.to_torch(
        network("- linear: 4\n- batch_norm: {learnable: false}\n- linear: 3", head="input: {shape: [4]}")
    )

    assert {path for path, _ in learnable(module)} == {"layers.0", "layers.2"}


def test_the_seed_fixes_the_weights_and_leaves_the_random_state_of_torch():
    net = network("- linear: 5", head="input: {shape: [4]}")
    torch.manual_seed(11)
    before = torch.random.get_rng_state()
    first, same, other = (lrbound.to_torch(net, seed=seed)[0].weight for seed in (1, 1, 2))

    assert torch.equal(first, same)
    assert not torch.equal(first, other)
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize(
    ("init", "weight", "bias"),
    [
        ("{weight_variance: 2.0, bias_variance: 0.5}", 2.0 / 400, 0.5),
        ("pytorch", 1.0 / 3.0 / 400, 1.0 / 3.0 / 400),
        ("he", 2.0 / 400, 0.0),
        ("lecun", 1.0 / 400, 0.0),
        ("xavier", 2.0 / (400 + 1000), 0.0),
    ],
)
def test_weights_and_biases_have_the_variances_of_the_spec(init, weight, bias):
    layer = lrbound.to_torch(network("- linear: 1000", head=f"input: {{shape: [400]}}\ninit: {init}"))[0]

    # 400 000 weights: 1 % is four standard errors; 1000 biases: 20 % is four
    assert layer.weight.var().item() == pytest.approx(weight, rel=0.01)
    assert layer.bias.var().item() == pytest.approx(bias, rel=0.2)


def test_statistics_over_iterations_have_seen_earlier_batches():
    """Cross-iteration batch norm is measured with full windows: lambda_max lies well above that of batch norm."""
    head = "input: {shape: [40]}\ninit: he\ntraining: {batch_size: 16}"
    layers = "- linear: 120\n- NORM\n- relu\n- linear: 120\n- NORM\n- relu\n- linear: 1"
    by_norm = {
        norm: next(measure(network(layers.replace("NORM", norm), head=head), seeds=1)).lambda_max
        for norm in ("batch_norm", "cross_iteration_batch_norm: 1", "cross_iteration_batch_norm: 4")
    }

    assert by_norm["cross_iteration_batch_norm: 1"] == pytest.approx(by_norm["batch_norm"], rel=1e-3)
    assert by_norm["cross_iteration_batch_norm: 4"] > 1.2 * by_norm["batch_norm"]
