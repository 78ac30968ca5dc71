"""Activations above the last weights, and residual branches that start at a gamma of 0, against real networks.

The means are over 8 to 12 initialisations by ``lrbound measure`` (float32, seed 0) of the specs below. The three above weights were
predicted before they were measured; the sizes of the two with a gamma of 0 were set after the derivation, and nothing was tuned
on them. The tolerances were set with the measured values in view. The means' standard error is 1 to 6 %.
"""

from __future__ import annotations

import pytest

from lrbound import parse, predict

DENSE = ("input: {shape: [40]}\ninit: he\ntraining: {loss: half_squared_error, batch_size: 48}", 89.70, 0.12)
POOLED = ("input: {shape: [3, 12, 12]}\ninit: pytorch\ntraining: {loss: cross_entropy, batch_size: 32}", 0.4513, 0.14)
SIGMOID = ("input: {shape: [30]}\ninit: he\ntraining: {loss: half_squared_error, batch_size: 64}", 0.3363, 0.13)
MEASURED = {
    "relu above the last of three linear layers": (
        DENSE,
        "[{linear: 128}, relu, {linear: 128}, relu, {linear: 6}, relu]",
    ),
    "relu and an average over positions above a convolution to classes": (
        POOLED,
        (
            "[{conv2d: {channels: 24, kernel: 3, padding: 1}}, relu, {conv2d: {channels: 24, kernel: 3, padding: 1}}, relu, "
            "{conv2d: {channels: 5, kernel: 1}}, relu, global_avg_pool]"
        ),
    ),
    "sigmoid above batch norm, silu and weights": (
        SIGMOID,
        "[{linear: {features: 100, bias: false}}, batch_norm, silu, {linear: 4}, sigmoid]",
    ),
}
MAPS = "input: {shape: [3, 12, 12]}\ninit: he\ntraining: {loss: half_squared_error, batch_size: 32}"
FLAT = "input: {shape: [50]}\ninit: he\ntraining: {loss: half_squared_error, batch_size: 64}"
CONVOLUTION = "{conv2d: {channels: 24, kernel: 3, padding: 1, bias: false}}"
LINEAR = "{linear: {features: 128, bias: false}}"


def _predicted(head: str, layers: str) -> float:
    return predict(parse(f"version: 1\n{head}\nlayers: {layers}\n")).lambda_max


@pytest.mark.parametrize("name", MEASURED)
def test_an_activation_above_the_last_weights_is_counted_output_by_output(name: str) -> None:
    (head, mean, accuracy), layers = MEASURED[name]

    assert _predicted(head, layers) == pytest.approx(mean, rel=accuracy)


@pytest.mark.parametrize(
    ("head", "weights", "blocks", "end", "mean"),
    [
        (MAPS, CONVOLUTION, 2, "global_avg_pool, {linear: 5}", 7.980),
        (FLAT, LINEAR, 3, "{linear: 4}", 25.15),
    ],
)
def test_branches_of_gamma_0_are_masked_where_the_stream_is_0(
    head: str, weights: str, blocks: int, end: str, mean: float
) -> None:
    branch = f"{{residual: {{layers: [{weights}, batch_norm, relu, {weights}, {{batch_norm: {{gamma: 0.0}}}}]}}}}, relu"
    layers = f"[{weights}, batch_norm, relu, {', '.join([branch] * blocks)}, {end}]"

    assert _predicted(head, layers) == pytest.approx(mean, rel=0.08)
