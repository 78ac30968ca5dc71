"""Every normaliser: its limits, which are exact, its refusals, and its Fisher values against real networks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrbound import predict
from lrbound.backward.sweep import backward
from lrbound.errors import Refused
from lrbound.forward.sweep import forward
from lrbound.meanfield.contract import Context
from lrbound.meanfield.small_sets import Mixture
from lrbound.spec import SpecError
from tests.meanfield.test_against_sampled import compare, values
from tests.meanfield.test_residual import by_place
from tests.nets import network
from tests.sampled import sampled

INIT = "init: {weight_variance: 2.0, bias_variance: 0.3}"
PROXY = "layer_norm: {learnable: false}\n- proxy_norm"


def dense(norm, *, batch=20, activation="relu", widths=(120, 120), outputs=4, inputs=60, init=INIT):
    act = "" if "proxy" in norm else f"- {activation}\n"
    layers = "".join(f"- linear: {width}\n- {norm}\n{act}" for width in widths)
    head = f"input: {{shape: [{inputs}]}}\n{init}\ntraining: {{batch_size: {batch}}}"
    return network(layers + f"- linear: {outputs}", head=head)


def conv(norm, *, head="flatten", batch=8, side=8, widths=(48, 48), strides=(1, 2), mode="zeros"):
    act = "" if "proxy" in norm else "- relu\n"
    layers = "".join(
        f"- conv2d: {{channels: {width}, kernel: 3, stride: {stride}, padding: 1, padding_mode: {mode}}}\n- {norm}\n{act}"
        for width, stride in zip(widths, strides, strict=True)
    )
    shape = f"input: {{shape: [3, {side}, {side}]}}\n{INIT}\ntraining: {{batch_size: {batch}}}"
    return network(layers + f"- {head}\n- linear: 4", head=shape)


# --- Limits ----------------------------------------------------------------------------------------------------------

LIMITS = [
    ("batch_group_norm: {{groups: 24, {0}}}", "batch_norm: {{{0}}}"),
    ("cross_iteration_batch_norm: {{window: 1, {0}}}", "batch_norm: {{{0}}}"),
    ("group_norm: {{groups: 1, {0}}}", "layer_norm: {{{0}}}"),
    ("group_norm: {{groups: 24, {0}}}", "instance_norm: {{{0}}}"),
]


@pytest.mark.parametrize(("general", "special"), LIMITS)
@given(
    gamma=st.floats(0.3, 3.0),
    beta=st.floats(-1.0, 1.0),
    batch=st.integers(4, 40),
    side=st.integers(3, 9),
    head=st.sampled_from(["flatten", "global_avg_pool"]),
)
@settings(max_examples=10, deadline=None)
def test_limits_are_exact(general, special, gamma, beta, batch, side, head):
    """One channel a group, one group, a window of one iteration: the same layer by another name."""
    args = f"gamma: {gamma!r}, beta: {beta!r}"
    one, other = (
        values(conv(form.format(args), widths=(24, 24), batch=batch, side=side, head=head))
        for form in (general, special)
    )

    assert np.array(one) == pytest.approx(np.array(other), rel=1e-12)


@given(gamma=st.floats(0.3, 3.0), bias=st.floats(-2.0, 2.0), batch=st.integers(4, 64))
@settings(max_examples=15, deadline=None)
def test_instance_enhancement_starts_as_batch_norm_of_the_gates_gamma(gamma, bias, batch):
    """Apart from the gate's parameters, of which there are none where nothing of the normaliser is learnt."""
    gate = 1.0 / (1.0 + np.exp(-bias))
    args = f"{{gamma: {gamma!r}, bias: {bias!r}, learnable: false}}"
    one = values(dense(f"instance_enhancement_batch_norm: {args}", batch=batch))
    other = values(dense(f"batch_norm: {{gamma: {float(gamma * gate)!r}, learnable: false}}", batch=batch))

    assert np.array(one) == pytest.approx(np.array(other), rel=1e-9)


@pytest.mark.parametrize(
    ("over_batch", "of_sample"), [("batch_norm", "instance_norm"), ("batch_group_norm: 6", "group_norm: 6")]
)
@given(side=st.integers(3, 8), gamma=st.floats(0.3, 3.0))
@settings(max_examples=8, deadline=None)
def test_one_sample_is_a_batch_of_its_own(over_batch, of_sample, side, gamma):
    """Statistics over a batch of one sample are those of the sample: the kernels agree."""
    ends = []
    for norm in (over_batch, of_sample):
        kind, _, groups = norm.partition(": ")
        args = f"{{gamma: {gamma!r}{f', groups: {groups}' if groups else ''}}}"
        net = conv(f"{kind}: {args}", widths=(24, 24), side=side + 5, batch=1)
        chain = forward(net, Context(1.0, True, net.init, warn=lambda _: None))
        ends.append([step.q for step in chain if step.node.layer.kind in (kind, "relu", "linear")])

    assert ends[0] == pytest.approx(ends[1], rel=1e-6)


@given(width=st.integers(50, 400), batch=st.integers(2, 30))
@settings(max_examples=10, deadline=None)
def test_rms_is_layer_norm_but_for_the_mean(width, batch):
    """The mean is one of ``width`` values: parts of weights and gammas differ by that much."""
    one, other = (
        values(dense(f"{norm}: {{}}", widths=(width, width), batch=batch)) for norm in ("rms_norm", "layer_norm")
    )
    weights = [0, 3, 6]

    assert np.array(one)[:, weights] == pytest.approx(np.array(other)[:, weights], rel=4.0 / width)


@pytest.mark.parametrize(
    "norm", ["batch_norm", "instance_norm", "cross_iteration_batch_norm: 1", "batch_group_norm: 48"]
)
def test_biases_under_a_centring_of_single_channels_have_no_part(norm):
    """What they add is taken off again, exactly."""
    found = []
    for bias in ("true", "false"):
        init = "init: {weight_variance: 2.0, bias_variance: 0.0}"
        net = network(
            f"- conv2d: {{channels: 48, kernel: 3, padding: 1, bias: {bias}}}\n- {norm}\n- relu\n- flatten\n- linear: 4",
            head=f"input: {{shape: [3, 6, 6]}}\n{init}\ntraining: {{batch_size: 8}}",
        )
        found.append(np.array(values(net))[:, 0])

    assert found[0] == pytest.approx(found[1], rel=1e-9, abs=1e-12 * found[1].max())


@pytest.mark.parametrize("norm", ["layer_norm", "rms_norm", "batch_norm", "instance_norm"])
@given(factor=st.floats(0.3, 3.0))
@settings(max_examples=5, deadline=None)
def test_gamma_of_the_last_normaliser_scales_the_head(norm, factor):
    """By its square: the head's weights see values that many times as large, its bias does not."""
    heads = [
        np.array(values(conv(f"{norm}: {gamma!r}", widths=(24,), strides=(1,))))[:, -1] - 1.0 for gamma in (1.0, factor)
    ]

    assert heads[1] == pytest.approx(factor**2 * heads[0], rel=1e-9)


@given(gamma=st.floats(0.3, 3.0), width=st.integers(50, 400))
@settings(max_examples=15, deadline=None)
def test_positional_is_layer_norm_without_parameters_on_flat_features(gamma, width):
    """To the leading order in the channels: what mean and variance absorb is 2 of ``width`` directions a layer."""
    one = values(dense(f"positional_norm: {gamma!r}", widths=(width, width)))
    other = values(dense(f"layer_norm: {{gamma: {gamma!r}, learnable: false}}", widths=(width, width)))

    assert np.array(one) == pytest.approx(np.array(other), rel=8.0 / width)


@pytest.mark.parametrize("norm", ["layer_norm", "rms_norm", "group_norm: 6", "instance_norm", "positional_norm"])
def test_statistics_of_a_sample_do_not_see_the_batch(norm):
    """K1 is that of one sample; the coherent value is K2 + (K1 - K2)/n."""
    found = []
    for batch in (2, 5, 80):
        coherent, trace = (np.array(part) for part in values(conv(norm, batch=batch)))
        found.append((trace, (coherent - trace / batch) / (1.0 - 1.0 / batch)))
    for trace, large in found[1:]:
        assert trace == pytest.approx(found[0][0], rel=1e-9)
        assert large == pytest.approx(found[0][1], rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("norm", ["layer_norm", "group_norm: 6", "instance_norm", "batch_norm", "batch_group_norm: 6"])
def test_the_scale_of_the_weights_underneath_cancels(norm):
    """Values do not depend on the weights' variance, gradients to them fall with it."""
    parts = []
    for scale in (1.0, 4.0):
        init = f"init: {{weight_variance: {2.0 * scale}, bias_variance: {0.3 * scale}}}"
        form = norm if ":" in norm else f"{norm}: {{}}"
        form = form.replace("_norm: {}", "_norm: {eps: 0}").replace(": 6", ": {groups: 6, eps: 0}")
        net = network(
            f"- conv2d: {{channels: 24, kernel: 3, padding: 1, {init}}}\n- {form}\n- relu\n- flatten\n- linear: 4",
            head=f"input: {{shape: [3, 6, 6]}}\n{INIT}\ntraining: {{batch_size: 8}}",
        )
        parts.append(np.array(values(net)))

    assert parts[1][:, 1:] == pytest.approx(parts[0][:, 1:], rel=1e-9)
    assert parts[1][:, 0] * 4.0 == pytest.approx(parts[0][:, 0], rel=1e-9)


def test_instance_norm_in_a_circular_image_leaves_nothing_coherent_below():
    """Without a border all positions are alike, so what is left of the sum over positions is 0 below the last norm."""
    net = conv("instance_norm", mode="circular", head="global_avg_pool", batch=1000)
    coherent, trace = values(net)

    assert coherent[3] < 0.02 * coherent[-1]
    assert trace[3] > 0.0


@pytest.mark.parametrize(("channels", "expected"), [(2, (0.905, 0.797, 0.632)), (8, (0.994, 0.984, 0.959))])
def test_small_sets_against_the_table(channels, expected):
    """R1/R0 at chi/(chi + w) = .2, .5, .8. Provenance: lrbound/theory/normalisers.md, section 4."""
    found = [Mixture(channels, chi, 1.0 - chi).factor(rectified=True) for chi in (0.2, 0.5, 0.8)]

    assert found == pytest.approx(expected, abs=0.002)


@pytest.mark.parametrize("norm", ["layer_norm", "cross_iteration_batch_norm", "batch_group_norm: 12"])
def test_large_and_full_batches_agree(norm):
    """1/n is an ordinary number down to 0."""
    large, full = (np.array(values(dense(norm, batch=batch))[0]) for batch in (10**7, "full"))

    assert large == pytest.approx(full, rel=1e-4)


def test_frozen_statistics_are_those_of_the_batch_alone():
    """Frozen or not makes no difference to statistics of a sample, and a large one to those of a batch."""
    ratio = {
        norm: predict(dense(norm), batch_statistics="frozen").lambda_max / predict(dense(norm)).lambda_max
        for norm in ("layer_norm", "rms_norm", "batch_norm", "cross_iteration_batch_norm", "batch_group_norm: 60")
    }

    assert ratio["layer_norm"] == ratio["rms_norm"] == 1.0
    assert ratio["batch_norm"] > ratio["cross_iteration_batch_norm"] > 1.1
    assert ratio["batch_norm"] > ratio["batch_group_norm: 60"] > 1.1


# --- What is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: dense("instance_norm"), "instance_norm needs several positions"),
        (lambda: conv("instance_norm", side=2), "instance_norm needs several positions"),
        (lambda: dense("group_norm: 7"), "'groups' must divide the 120 channels, got 7"),
        (lambda: dense("batch_group_norm: 7"), "'groups' must divide the 120 channels, got 7"),
        (lambda: dense("group_norm: 60"), "over 2 values a group"),
        (lambda: dense("layer_norm", widths=(2, 120)), "at least 3 values"),
        (lambda: dense("positional_norm", widths=(2, 120)), "at least 3 channels"),
    ],
)
def test_shapes_without_a_meaning_are_errors_of_the_spec(build, words):
    with pytest.raises(SpecError, match=words):
        build()


@pytest.mark.parametrize(
    "build",
    [
        lambda: dense("group_norm: 40"),
        lambda: dense("batch_norm", batch=1),
        lambda: dense("instance_enhancement_batch_norm", batch=3),
        lambda: dense("batch_group_norm: 120", batch=2),
    ],
)
def test_infinite_means_are_refused(build):
    """1/variance over at most 2 degrees of freedom has no mean."""
    with pytest.raises(Refused, match="at most 2 degrees of freedom"):
        predict(build())


def test_few_effective_values_are_warned_of():
    net = dense("group_norm: 30")

    assert any("effective values" in text.message for text in predict(net).warnings)


@pytest.mark.parametrize(("norm", "per_channel"), [("layer_norm", 2), ("rms_norm", 1), ("group_norm: 6", 2)])
def test_parameters_are_counted_per_channel(norm, per_channel):
    net = conv(norm)

    assert predict(net).layers[1].parameters == 48 * per_channel
    assert predict(conv("positional_norm")).layers[1].parameters == 0
    assert predict(conv("instance_enhancement_batch_norm")).layers[1].parameters == 48 * 4


# --- Against real networks -------------------------------------------------------------------------------------------

NORMS = [
    "layer_norm",
    "rms_norm",
    "positional_norm",
    "group_norm: 12",
    "batch_group_norm: 60",
    "batch_group_norm: 12",
    "instance_enhancement_batch_norm",
    "cross_iteration_batch_norm: 3",
    PROXY,
]


@pytest.mark.parametrize("norm", NORMS)
def test_dense_nets(norm):
    """120 units, batch 20, 16 seeds: 1 to 3 % of scatter; proxy norm misses 4 % more (units differ at finite fan-in)."""
    tolerance = 0.10 if norm == PROXY else 0.07
    compare(dense(norm), seeds=16, coherent_rtol=tolerance, trace_rtol=0.07, earlier=2 if "cross" in norm else 0)


@pytest.mark.parametrize("head", ["flatten", "global_avg_pool"])
@pytest.mark.parametrize("norm", [*NORMS, "instance_norm", "group_norm: 24"])
def test_convolutional_nets(norm, head):
    """48 to 64 channels. A pooled head of a coherent net varies by 12 % between initialisations: 4 % at 12 seeds, and
    its 48 channels add a few per cent more."""
    form = norm.replace(": 12", ": 6").replace(": 60", ": 24")
    tolerance = 0.06 if head == "flatten" else 0.16
    if "rms" in norm:
        tolerance = 0.16  # the norm of the input of each sample is not fixed: 20 % between initialisations
    compare(
        conv(form, head=head),
        seeds=8,
        coherent_rtol=tolerance,
        trace_rtol=tolerance,
        earlier=2 if "cross" in norm else 0,
    )


@pytest.mark.parametrize("norm", ["layer_norm", "rms_norm"])
def test_other_activations_with_gamma_and_beta(norm):
    """tanh after a shifted layer norm; nets of 200 units vary by 10 %: 4 % at 8 seeds."""
    first, second = ("{gamma: 1.3, beta: 0.6}", "{gamma: 0.8, beta: -0.4}") if norm == "layer_norm" else ("1.5", "0.7")
    net = network(
        f"- linear: 200\n- {norm}: {first}\n- tanh\n- linear: 200\n- {norm}: {second}\n- gelu\n- linear: 4",
        head=f"input: {{shape: [60]}}\n{INIT}\ntraining: {{batch_size: 12}}",
    )
    compare(net, seeds=8, coherent_rtol=0.12, trace_rtol=0.08)


@pytest.mark.parametrize("norm", ["layer_norm", "instance_norm"])
@pytest.mark.parametrize(
    "between",
    ["max_pool2d: 2", "avg_pool2d: {kernel: 3, stride: 2, padding: 1}", "conv2d: {channels: 48, kernel: 2, stride: 2}"],
)
def test_positions_of_one_sample_are_kept_apart_from_those_of_two(norm, between):
    """Pools and batch norm after statistics of a sample, whose same- and cross-sample kernels differ off the diagonal."""
    net = network(
        f"- conv2d: {{channels: 48, kernel: 3, padding: 1}}\n- {norm}\n- relu\n- {between}\n"
        "- conv2d: {channels: 64, kernel: 3, padding: 1}\n- batch_norm\n- relu\n- flatten\n- linear: 4",
        head=f"input: {{shape: [3, 12, 12]}}\n{INIT}\ntraining: {{batch_size: 8}}",
    )
    compare(net, seeds=8, coherent_rtol=0.07, trace_rtol=0.05)


RESIDUAL = {
    "pre": (
        "- linear: 200\n- repeat: {{times: 3, layers: [{{residual: [{0}, relu, {{linear: 200}}, {0}, relu, "
        "{{linear: 200}}]}}]}}\n- {1}\n- relu\n- linear: 4"
    ),
    "post": (
        "- linear: 200\n- {1}\n- relu\n- repeat: {{times: 3, layers: [{{residual: [{{linear: 200}}, {0}, relu, "
        "{{linear: 200}}, {0}]}}, relu]}}\n- linear: 4"
    ),
}


@pytest.mark.parametrize("kind", ["pre", "post"])
@pytest.mark.parametrize("norm", ["layer_norm", "rms_norm", "group_norm: 10"])
def test_dense_residual_nets(norm, kind):
    """Three blocks of 200 units, 8 seeds: 2 % of scatter."""
    inline = f"{{{norm}}}" if ":" in norm else norm
    net = network(
        RESIDUAL[kind].format(inline, norm), head="input: {shape: [128]}\ninit: he\ntraining: {batch_size: 16}"
    )
    _compare_blocks(net, seeds=8, rtol=0.06)


@pytest.mark.parametrize("head", ["flatten", "global_avg_pool"])
@pytest.mark.parametrize("norm", ["layer_norm", "group_norm: 8", "instance_norm", "batch_group_norm: 8"])
def test_convolutional_residual_nets(norm, head):
    """ReLU'd stream, identity and projection shortcuts; pooled coherent nets vary by 12 %: 5 % at 6 seeds."""
    inline = f"{{{norm}}}" if ":" in norm else norm

    def block(channels, stride, shortcut=""):
        one, two = (
            f"{{conv2d: {{channels: {channels}, kernel: 3, padding: 1, stride: {step}, bias: false}}}}"
            for step in (stride, 1)
        )
        return f"- residual: {{layers: [{one}, {inline}, relu, {two}, {inline}]{shortcut}}}\n- relu\n"

    down = f", shortcut: [{{conv2d: {{channels: 64, kernel: 1, stride: 2}}}}, {inline}]"
    net = network(
        f"- conv2d: {{channels: 48, kernel: 3, padding: 1}}\n- {norm}\n- relu\n"
        + block(48, 1)
        + block(64, 2, down)
        + f"- {head}\n- linear: 4",
        head="input: {shape: [3, 8, 8]}\ninit: he\ntraining: {batch_size: 8}",
    )
    _compare_blocks(net, seeds=6, rtol=0.05 if head == "flatten" else 0.16)


def _compare_blocks(net, seeds, rtol):
    truth = sampled(net, seeds)
    for predicted, real in zip(by_place(net), (truth.coherent, truth.trace), strict=True):
        found = np.array(list(predicted.values()))
        assert found.sum() == pytest.approx(real.sum(), rel=rtol)
        assert found == pytest.approx(real, rel=1.5 * rtol, abs=0.1 * rtol * real.sum())


TABLE = [
    # widths, inputs, outputs, batch of lrbound/theory/normalisers.md, section 8, d3; one output, so that no spread over outputs is on top
    ("layer_norm", 221.3),
    ("batch_group_norm: 240", 137.0),
    ("batch_group_norm: 120", 176.4),
    ("cross_iteration_batch_norm: 4", 117.2),
    ("batch_norm", 79.8),
]


@pytest.mark.parametrize(("norm", "measured"), TABLE)
def test_one_output_against_the_measured_table(norm, measured):
    """lambda_max of 200-480-480-1 over 100 samples: 3 %. Provenance: lrbound/theory/normalisers.md, section 8, d3."""
    net = dense(
        norm,
        widths=(480, 480),
        inputs=200,
        outputs=1,
        batch=100,
        init="init: {weight_variance: 2.0, bias_variance: 0.5}",
    )
    ctx = Context(100, True, net.init, warn=lambda _: None)
    coherent = sum(float(t.share.coherent) for t in backward(forward(net, ctx), 100) if t.share is not None)

    assert coherent == pytest.approx(measured, rel=0.03)


@pytest.mark.parametrize(
    ("widths", "inputs", "outputs", "batch", "measured"),
    [((300,) * 3, 128, 10, 64, 18.5), ((480,) * 2, 200, 1, 100, 29.4)],
)
def test_a_gate_that_sees_the_sample(widths, inputs, outputs, batch, measured):
    """Gate weight 0.5, bias 0: the coherent value within 4 %. Provenance: lrbound/theory/normalisers.md, section 3."""
    net = dense(
        "instance_enhancement_batch_norm: {weight: 0.5, bias: 0.0}",
        widths=widths,
        inputs=inputs,
        outputs=outputs,
        batch=batch,
        init="init: {weight_variance: 2.0, bias_variance: 0.5}",
    )

    assert sum(values(net)[0]) == pytest.approx(measured, rel=0.04)
