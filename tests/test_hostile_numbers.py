"""Valid specs with extreme numbers end in a finite prediction or in a refusal, never in an exception or a NaN."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lrbound import parse, predict
from lrbound.errors import Refused
from lrbound.losses import LOSSES
from lrbound.spec import SpecError

if TYPE_CHECKING:
    from lrbound.prediction import Prediction

SIZES = st.sampled_from([1, 2, 3, 7, 64, 100_000])
SCALES = st.sampled_from([0.0, 1e-300, 1e-12, 0.01, 1.0, 2.0, 1e4, 1e9, 1e11])
POSITIVE = st.sampled_from([1e-300, 1e-9, 0.5, 2.0, 1e3, 1e11])
ACTIVATIONS = st.sampled_from(["relu", "tanh", "leaky_relu", "gelu", "selu", "erf", "sigmoid", "identity", "softplus"])
BATCHES = st.sampled_from([1, 2, 3, 4, 5, 7, 8, 100, 10**9, "full"])


@st.composite
def heads(draw: st.DrawFn, shape: str) -> str:
    return (
        f"version: 1\ninput: {{shape: {shape}, mean_square: {draw(POSITIVE)}, "
        f"correlation: {draw(st.sampled_from([0.0, 1e-9, 0.5, 1.0]))}}}\n"
        f"init: {{weight_variance: {draw(POSITIVE)}, bias_variance: {draw(SCALES)}}}\n"
        f"training: {{loss: {draw(st.sampled_from(LOSSES.names()))}, "
        f"batch_size: {draw(BATCHES)}, optimizer: {{name: sgd, momentum: {draw(st.sampled_from([0.0, 0.5, 0.999999]))}, "
        f"nesterov: {draw(st.sampled_from(['true', 'false']))}, weight_decay: {draw(SCALES)}}}}}\nlayers:\n"
    )


@st.composite
def dense_specs(draw: st.DrawFn) -> str:
    lines = [draw(heads(f"[{draw(SIZES)}]"))]
    for _ in range(draw(st.integers(1, 4))):
        lines.append(f"  - linear: {draw(SIZES)}\n")
        if draw(st.booleans()):
            gamma, beta, eps = draw(SCALES), draw(SCALES), draw(SCALES)
            lines.append(f"  - batch_norm: {{gamma: {gamma}, beta: {beta}, eps: {eps}}}\n")
        lines.append(f"  - {draw(ACTIVATIONS)}\n")
        if draw(st.booleans()):
            lines.append(f"  - dropout: {draw(st.sampled_from([0.0, 0.5, 0.999999]))}\n")
    return "".join([*lines, f"  - linear: {draw(st.sampled_from([1, 2, 1000]))}\n"])


@st.composite
def image_specs(draw: st.DrawFn) -> str:
    side = draw(st.sampled_from([1, 2, 5, 12]))
    lines = [draw(heads(f"[3, {side}, {draw(st.sampled_from([1, 4, 9]))}]"))]
    body = f"[{{conv2d: {{channels: 8, kernel: 3, padding: 1}}}}, {{batch_norm: {draw(SCALES)}}}]"
    choices = [
        "conv2d: {channels: 8, kernel: 3, padding: 1}",
        "conv2d: {channels: 8, kernel: 1, stride: 2}",
        "conv2d: {channels: 8, kernel: 3, padding: 1, padding_mode: circular}",
        f"batch_norm: {draw(SCALES)}",
        "relu",
        "tanh",
        "max_pool2d: {kernel: 3, stride: 2, padding: 1}",
        "avg_pool2d: {kernel: 3, stride: 1, padding: 1}",
        f"residual: {body}",
        f"concat: {{branches: [[], {body}]}}",
    ]
    lines.append("  - conv2d: {channels: 8, kernel: 3, padding: 1}\n")
    lines += [f"  - {draw(st.sampled_from(choices))}\n" for _ in range(draw(st.integers(0, 5)))]
    return "".join([*lines, f"  - {draw(st.sampled_from(['flatten', 'global_avg_pool']))}\n  - linear: 2\n"])


def finite_everywhere(p: Prediction) -> bool:
    """Whether every number that the answer shows is one."""
    numbers = [p.lambda_max, p.max_learning_rate, p.recommended_learning_rate, p.bounds.curvature, p.bounds.minibatch]
    numbers += list(p.lambda_max_interval or ())
    numbers += [x for layer in p.layers for x in (layer.q, layer.q_xy, layer.lambda_)]
    return all(x is None or math.isfinite(x) for x in numbers)


def survives(text: str) -> None:
    """Hold one spec against the promise, for both methods and both ways with batch statistics."""
    try:
        network = parse(text)
    except SpecError:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for method, statistics in (("mean-field", "through"), ("mean-field", "frozen"), ("wei2019", "frozen")):
            try:
                p = predict(network, method=method, batch_statistics=statistics)  # type: ignore[arg-type]
            except Refused:
                continue
            assert finite_everywhere(p)
            assert p.lambda_max >= 0.0


SETTINGS = settings(
    max_examples=200, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)


@SETTINGS
@given(dense_specs())
def test_dense(text: str) -> None:
    """Dense nets."""
    survives(text)


@SETTINGS
@given(image_specs())
def test_images(text: str) -> None:
    """Convolutional nets with pools and branches."""
    survives(text)


def test_a_deep_stack_of_normalisers_is_refused() -> None:
    """Units that are rarely positive make gradients grow 4-fold a layer: they overflow, and the refusal says so."""
    network = parse(
        "version: 1\ninput: {shape: [30]}\ntraining: {batch_size: 16}\n"
        "layers: [{repeat: {times: 600, layers: [{linear: 30}, {batch_norm: {beta: -2.0}}, relu]}}, {linear: 2}]"
    )
    with pytest.raises(Refused, match="leave the range of floating-point numbers"):
        predict(network)
