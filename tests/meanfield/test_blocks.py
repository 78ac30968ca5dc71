"""Layers of blocks, against measured networks, and what they are equal to."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lrbound
from lrbound.empirical.measure import measure

FILTERS = "conv2d: {channels: 48, kernel: 3, padding: 1}"
CONVNEXT = (
    "{conv2d: {channels: 32, kernel: 3, padding: 1, groups: 32}}, {layer_norm: {axes: channels}}, {conv2d: {channels: 128, "
    "kernel: 1}}, gelu, {conv2d: {channels: 32, kernel: 1}}, {layer_scale: 0.5}"
)
NETS = {
    "prelu": ("[64]", "[{linear: 128}, prelu, {linear: 128}, {prelu: {per_channel: true}}, {linear: 10}]"),
    "prelu under batch norm": (
        "[64]",
        (
            "[{linear: 128}, batch_norm, prelu, {linear: 128}, batch_norm, {prelu: {negative_slope: 0.5, per_channel: true}}, "
            "{linear: 10}]"
        ),
    ),
    "prelu on maps": ("[3, 8, 8]", f"[{{{FILTERS}}}, prelu, {{{FILTERS}}}, prelu, global_avg_pool, {{linear: 10}}]"),
    "small scales": (
        "[64]",
        (
            "[{linear: 96}, {repeat: {times: 3, layers: [{residual: [layer_norm, {linear: 192}, gelu, {linear: 96}, {layer_scale: "
            "0.1}]}]}}, layer_norm, {linear: 10}]"
        ),
    ),
    "scales of 1": (
        "[64]",
        (
            "[{linear: 96}, {repeat: {times: 3, layers: [{residual: [batch_norm, relu, {linear: 96}, {layer_scale: 1.0}]}]}}, "
            "batch_norm, relu, {linear: 10}]"
        ),
    ),
    "dropped samples, batch norm": (
        "[64]",
        (
            "[{linear: 128}, {repeat: {times: 4, layers: [{residual: [batch_norm, relu, {linear: 128}, {stochastic_depth: 0.3}]}]}}, "
            "batch_norm, relu, {linear: 10}]"
        ),
    ),
    "dropped samples, layer norm": (
        "[64]",
        (
            "[{linear: 128}, {repeat: {times: 4, layers: [{residual: [layer_norm, {linear: 256}, gelu, {linear: 128}, "
            "{stochastic_depth: 0.2}]}]}}, layer_norm, {linear: 10}]"
        ),
    ),
    "dropped samples on maps": (
        "[3, 8, 8]",
        (
            f"[{{{FILTERS}}}, batch_norm, relu, {{repeat: {{times: 2, layers: [{{residual: [{{{FILTERS}}}, batch_norm, relu, "
            f"{{{FILTERS}}}, batch_norm, {{stochastic_depth: 0.2}}]}}, relu]}}}}, global_avg_pool, {{linear: 10}}]"
        ),
    ),
    "convnext": (
        "[3, 16, 16]",
        (
            f"[{{conv2d: {{channels: 32, kernel: 4, stride: 4}}}}, {{layer_norm: {{axes: channels}}}}, {{repeat: {{times: 3, layers: "
            f"[{{residual: [{CONVNEXT}]}}]}}}}, global_avg_pool, layer_norm, {{linear: 10}}]"
        ),
    ),
    "layer norm at each position": (
        "[3, 8, 8]",
        (
            f"[{{{FILTERS}}}, {{layer_norm: {{axes: channels}}}}, relu, {{{FILTERS}}}, {{layer_norm: {{axes: channels}}}}, relu, "
            "global_avg_pool, {linear: 10}]"
        ),
    ),
}


def network(shape: str, layers: str):
    return lrbound.parse(
        f"version: 1\ninput: {{shape: {shape}}}\ninit: he\ntraining: {{batch_size: 32}}\nlayers: {layers}\n"
    )


@pytest.mark.parametrize("name", NETS)
def test_lambda_max_is_that_of_drawn_networks(name):
    net = network(*NETS[name])
    values = [sample.lambda_max for sample in measure(net, seeds=4)]
    error = np.std(values) / math.sqrt(len(values)) / np.mean(values)

    assert lrbound.predict(net).lambda_max == pytest.approx(np.mean(values), rel=0.1 + error)
    assert net.parameters == sum(parameter.numel() for parameter in lrbound.to_torch(net, seed=0).parameters())


def same(one: str, other: str, shape: str = "[24]", rel: float = 1e-6) -> None:
    first, second = (lrbound.predict(network(shape, layers)).lambda_max for layers in (one, other))
    assert first == pytest.approx(second, rel=rel)


def test_a_scale_of_1_that_is_not_trained_is_nothing():
    same(
        "[{linear: 50}, tanh, {layer_scale: {value: 1.0, learnable: false}}, {linear: 10}]",
        "[{linear: 50}, tanh, {linear: 10}]",
    )


def test_samples_that_are_never_dropped_are_all_there():
    body = "[{{linear: 50}}, {{residual: [batch_norm, relu, {{linear: 50}}{}]}}, {{linear: 10}}]"
    same(body.format(", {stochastic_depth: 0}"), body.format(""))


def test_layer_norm_of_flat_features_is_the_same_over_all_axes():
    body = "[{{linear: 50}}, {{layer_norm: {{axes: {}}}}}, relu, {{linear: 10}}]"
    same(body.format("channels"), body.format("all"))


def test_layer_norm_at_each_position_without_parameters_is_positional_norm():
    body = f"[{{{FILTERS}}}, {{}}, relu, global_avg_pool, {{linear: 10}}]"
    same(
        body.replace("{}", "{layer_norm: {axes: channels, learnable: false}}"),
        body.replace("{}", "positional_norm"),
        "[3, 8, 8]",
    )


def test_prelu_with_leaky_relus_slope_has_its_kernels():
    one, other = (
        lrbound.predict(network("[24]", f"[{{linear: 50}}, {{{name}: 0.2}}, {{linear: 10}}]")).layers
        for name in ("prelu", "leaky_relu")
    )

    assert [(layer.q, layer.q_xy) for layer in one] == [(layer.q, layer.q_xy) for layer in other]
    assert one[1].lambda_ > 0.0 == other[1].lambda_
