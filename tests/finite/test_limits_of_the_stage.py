"""Identities and limits that the finite-size stage must have."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lrbound.backward.sweep import backward
from lrbound.curvature.combine import combine
from lrbound.curvature.estimate import leading_order
from lrbound.curvature.interval import around
from lrbound.forward.sweep import forward
from lrbound.predictor import predict
from tests.finite.finite_of import context, finite, profile_of
from tests.nets import dense, network


def first_order(net) -> float:
    ctx = context(net)
    return leading_order(list(backward(forward(net, ctx), ctx.samples)), ctx.samples).lambda_max


@pytest.mark.parametrize("gamma", [None, 1.0])
@pytest.mark.parametrize("batch", [64, "full"])
def test_infinite_width_is_the_leading_order(gamma: float | None, batch: int | str) -> None:
    net = dense(widths=(10**7, 10**7), gamma=gamma, inputs=10**7, batch=batch)

    assert finite(net).lambda_max == pytest.approx(first_order(net), rel=5e-3)


def test_a_large_batch_is_the_full_batch() -> None:
    for activation in ("relu", "tanh"):
        large, full = (finite(dense(batch=n, activation=activation, widths=(300, 300))) for n in (10**7, "full"))

        assert large.lambda_max == pytest.approx(full.lambda_max, rel=1e-3)
        assert large.interval == pytest.approx(full.interval, rel=1e-3)


def test_lambda_max_falls_with_the_batch_and_grows_with_the_outputs() -> None:
    batches = [
        finite(dense(widths=(300,) * 4, inputs=128, batch=n)).lambda_max for n in (8, 12, 16, 32, 64, 256, "full")
    ]
    outputs = [finite(dense(widths=(300,) * 4, gamma=None, batch=64, outputs=c)).lambda_max for c in (1, 2, 5, 20, 80)]

    assert batches == sorted(batches, reverse=True)
    assert outputs == sorted(outputs)


def test_one_linear_layer_is_exact() -> None:
    # white inputs: the Gram matrix of N inputs and n samples, a Wishart matrix, plus the bias
    net = network("- {linear: {features: 1, bias: false}}", head="input: {shape: [400]}\ntraining: {batch_size: 100}")
    n, width = 100, 400

    assert finite(net).lambda_max == pytest.approx((math.sqrt(width) + math.sqrt(n)) ** 2 / n, rel=0.05)


@pytest.mark.parametrize(
    "spec", [{"batch": 16}, {"batch": 64, "gamma": None}, {"batch": 64, "activation": "tanh"}, {"activation": "tanh"}]
)
def test_the_parts_add_up_and_the_interval_holds_the_mean(spec: dict) -> None:
    found = finite(dense(widths=(200, 300, 100), inputs=64, **spec))
    low, high = found.interval

    assert sum(found.parts) == pytest.approx(found.lambda_max, rel=1e-12)
    assert min(found.parts) >= 0.0
    assert 0.0 < low < found.lambda_max < high


def test_a_repeated_prediction_is_the_same_to_the_last_bit() -> None:
    net = dense(widths=(200, 300), batch=32, activation="tanh")

    assert finite(net) == finite(net)


@pytest.mark.parametrize("batch", [1, 2])
def test_tiny_batches_without_statistics(batch: int) -> None:
    found = finite(dense(widths=(200, 200), gamma=None, batch=batch))

    assert math.isfinite(found.lambda_max)
    assert found.lambda_max >= first_order(dense(widths=(200, 200), gamma=None, batch=batch))


def test_batches_too_small_for_their_statistics_are_named() -> None:
    assert any("6 samples" in text.message for text in finite(dense(batch=6)).warnings)
    assert any("30 outputs" in text.message for text in finite(dense(batch=8, outputs=30)).warnings)
    assert finite(dense(batch=64)).warnings == ()


def test_what_is_not_tracked_is_named() -> None:
    head = "input: {shape: [3, 8, 8]}\ntraining: {batch_size: 16}"
    at_outputs = network("- flatten\n- linear: 10\n- batch_norm", head=head)
    gated = network("- conv2d: {channels: 16, kernel: 1}\n- squeeze_excite: 4\n- flatten\n- linear: 10", head=head)

    filters = "  - conv2d: {channels: 16, kernel: 3, padding: 1, groups: 16}\n  - batch_norm\n  - relu"
    deep = network(
        f"- conv2d: {{channels: 16, kernel: 1}}\n- repeat:\n    times: 16\n    layers:\n  {filters}\n"
        "- flatten\n- linear: 10".replace("\n  - ", "\n    - "),
        head=head,
    )

    assert ("LRB017", "layers.2") in {(one.code, one.path) for one in finite(at_outputs).warnings}
    assert "LRB018" in {one.code for one in finite(gated).warnings}
    assert "LRB019" in {one.code for one in finite(deep).warnings}


def test_batch_statistics_keep_the_gain_of_smooth_activations() -> None:
    """A norm that batch statistics pass on reaches the activation, whose gain reacts to it: silu's does, relu's does not."""
    # of each block batch norm comes first, then the activation
    silu, relu = (profile_of(dense(batch=64, activation=each)).gain_slope.reshape(3, 2) for each in ("silu", "relu"))

    assert (silu[:, 1] > 0.1).all()
    assert relu[:, 1] == pytest.approx(np.zeros(3), abs=1e-3)
    assert relu[:, 0] == pytest.approx(-1.0 / 64.0 * np.ones(3), rel=0.05)


def test_a_thousand_layers() -> None:
    found = finite(dense(widths=(300,) * 1000, batch=64, gamma=None))

    assert all(math.isfinite(x) and x > 0.0 for x in found.interval)
    assert any("checked up to 20" in text.message for text in found.warnings)


def test_frozen_statistics_let_the_lower_layers_through() -> None:
    net = dense(batch=256)

    # lrbound/theory/mean-field.md, section 6: 364 to leading order, 412 measured (width 1000, ten outputs)
    assert finite(net, through=False).lambda_max == pytest.approx(412.0, rel=0.07)
    assert profile_of(net).above_statistics
    assert not profile_of(net, through=False).above_statistics


def test_the_branches_meet_continuously() -> None:
    # co crosses the edge of a bulk of mean 1 and edge 3: the top never lies below either
    found = [combine(co, 0.0, 3.0, 1.0, 1.5).value for co in (0.5, 1.9, 1.999, 2.001, 2.1, 4.0, 100.0)]

    assert found == sorted(found)
    assert found[0] == 3.0
    assert found[3] == pytest.approx(3.0, abs=1e-2)
    assert found[-1] == pytest.approx(100.0, rel=1e-3)


def test_a_large_coupling_comes_in_continuously() -> None:
    """At the edge of the bulk the coherent direction begins to be coupled; a large coupling must not switch on there."""
    found = [combine(co, 0.0, 3.0, 1.0, 1.5, coherent_coupling_sq=25.0).value for co in np.linspace(1.9, 6.0, 400)]

    assert found == sorted(found)
    assert np.diff(found).max() < 1.0


def test_units_of_vanishing_mean_are_not_coupled_without_bounds() -> None:
    """Selu keeps a mean of 0; what a mean of rounding errors makes of a sample's norm is no coupling."""
    levels = finite(dense(widths=(300,) * 10, gamma=None, activation="selu", batch=64, init="lecun")).levels

    assert levels.coherent_coupling_sq < levels.coherent**2


def test_the_interval_is_log_normal_about_the_mean() -> None:
    assert around(10.0, 0.0) == pytest.approx((10.0, 10.0))
    low, high = around(10.0, 0.04)
    assert math.sqrt(low * high) == pytest.approx(10.0 * math.exp(-0.02))
    assert math.log(high / low) == pytest.approx(2 * 1.6449 * 0.2)


def test_the_coupling_to_single_samples_does_not_end_at_a_batch_size() -> None:
    # the coherent direction of a narrow net of many outputs is mixed by a fifth of lambda_max
    values = [
        finite(
            dense(widths=(80, 80), gamma=None, activation="tanh", batch=n, inputs=100, outputs=20, init="lecun")
        ).lambda_max
        for n in (64, 66)
    ]

    assert values[1] == pytest.approx(values[0], rel=0.02)


@pytest.mark.parametrize("correlation", [0.1, 0.5])
def test_one_linear_layer_of_correlated_inputs_is_exact(correlation: float) -> None:
    # a spike of squared length N X beside noise of variance A - X, N x n (Benaych-Georges and Nadakuditi 2012)
    net = network(
        "- {linear: {features: 1, bias: false}}",
        head=f"input: {{shape: [100], correlation: {correlation}}}\ntraining: {{batch_size: 200}}",
    )
    n, width, own = 200, 100, 1.0 - correlation
    exact = correlation * width + own * (1.0 + width / n) + own**2 / (n * correlation)

    assert finite(net).lambda_max == pytest.approx(exact, rel=0.03 if correlation < 0.2 else 0.005)


def test_maps_where_the_complement_matters_are_warned_of() -> None:
    layers = """
        - conv2d: {channels: 72, kernel: 3, stride: 2, padding: 1}
        - batch_norm
        - relu
        - max_pool2d: 2
        - conv2d: {channels: 40, kernel: 5, padding: 2}
        - batch_norm
        - relu
        """
    head = "input: {shape: [1, 12, 12]}\ninit: lecun\ntraining: {batch_size: 59}"
    warned = [
        any("single samples or the bulk" in text.message for text in finite(net).warnings)
        for net in (
            network(f"{layers}- {pool}\n        - linear: {outputs}\n", head=head)
            for pool, outputs in (("global_avg_pool", 20), ("flatten", 1))
        )
    ]

    assert warned == [True, False]


def test_few_values_in_a_set_are_warned_of() -> None:
    nets = (
        network(
            f"- linear: 56\n- group_norm: {groups}\n- relu\n- linear: 2",
            head="input: {shape: [80]}\ntraining: {batch_size: 30}",
        )
        for groups in (8, 4)
    )

    assert [any("values of one sample" in text.message for text in finite(net).warnings) for net in nets] == [
        True,
        False,
    ]


def test_branches_in_which_the_bulk_matters_are_warned_of() -> None:
    def net(phi: str):
        block = f"- residual: [{phi}, {{linear: 101}}, {phi}, {{linear: 101}}]\n"
        return network(
            "- linear: 101\n" + block * 4 + f"- {phi}\n- linear: 20",
            head="input: {shape: [83]}\ninit: he\ntraining: {batch_size: 87}",
        )

    warned = [
        any("branches and no normaliser" in one.message for one in predict(net(phi)).warnings)
        for phi in ("tanh", "relu")
    ]

    assert warned == [True, False]
