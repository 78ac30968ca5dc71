"""Samples that are not white: predictions against networks measured on data made with exactly the stated statistics."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import lrbound
from lrbound.empirical.batches import DataBatches
from lrbound.empirical.measure import Setting, measure
from lrbound.input_law import Input
from lrbound.meanfield.latents import draw
from lrbound.rate.survival import MARGIN

DENSE = """
version: 1
input: {{shape: [128]}}
training: {{batch_size: 32}}
layers:
- repeat: {{times: 2, layers: [{{linear: 128}}, {norm} relu]}}
- linear: {outputs}
"""
LINEAR = """
version: 1
input: {{shape: [{features}], mean_square: 100}}
training: {{loss: mse, batch_size: {batch}}}
layers: [{{linear: 1}}]
"""


def measured(net, data):
    return np.mean([one.lambda_max for one in measure(net, seeds=4, setting=Setting(batches=DataBatches(data)))])


def with_component(share, *, two_groups=False, features=128, count=512):
    rng = np.random.default_rng(0)
    xi = rng.standard_normal(count)
    xi = np.sign(xi) if two_groups else xi
    along = rng.choice([-1.0, 1.0], features)
    return share**0.5 * xi[:, None] * along + (1 - share) ** 0.5 * rng.standard_normal((count, features))


@pytest.mark.parametrize("norm", ["", "layer_norm,", "batch_norm,"])
@pytest.mark.parametrize("two_groups", [False, True])
def test_a_top_component_counts_as_much_as_in_sampled_networks(norm, two_groups):
    share = 0.4
    kurtosis = 1.0 if two_groups else 1.0 + 2.0 * share**2
    net = lrbound.parse(DENSE.format(norm=norm, outputs=10))
    law = Input((128,), centred_share=share, norm_kurtosis=kurtosis)
    found = lrbound.predict(replace(net, input=law)).lambda_max
    truth = measured(net, with_component(share, two_groups=two_groups))

    assert found == pytest.approx(truth, rel=0.25)
    if norm == "batch_norm,":
        assert found > 1.4 * lrbound.predict(net).lambda_max


def test_a_spread_of_norms_counts_under_batch_norm():
    rng = np.random.default_rng(1)
    spread = 0.8
    data = rng.standard_normal((512, 128)) * np.exp(0.5 * spread * rng.standard_normal((512, 1)) - 0.25 * spread**2)
    norms = np.square(data).sum(axis=1)
    net = lrbound.parse(DENSE.format(norm="batch_norm,", outputs=10))
    kurtosis = float(np.mean(norms**2) / np.mean(norms) ** 2)
    law = Input((128,), float(np.mean(data**2)), norm_kurtosis=kurtosis)
    found, truth = lrbound.predict(replace(net, input=law)).lambda_max, measured(net, data)

    assert found == pytest.approx(truth, rel=0.25)
    assert abs(found - truth) < 0.5 * abs(lrbound.predict(net).lambda_max - truth)


@pytest.mark.parametrize("features", [2, 8, 30])
@pytest.mark.parametrize("batch", [32, 512, "full"])
def test_a_linear_network_is_least_squares_at_any_number_of_features(features, batch):
    rng = np.random.default_rng(2)
    count, draws = (100_000, 1) if batch == "full" else (batch, 40)

    def exact():
        x = np.column_stack([10.0 * rng.standard_normal((count, features)), np.ones(count)])
        return 2.0 * np.linalg.eigvalsh(x.T @ x / count)[-1]

    found = lrbound.predict(lrbound.parse(LINEAR.format(features=features, batch=batch)))

    assert found.lambda_max == pytest.approx(np.mean([exact() for _ in range(draws)]), rel=0.1)


@pytest.mark.parametrize("batch", [8, 64, 512])
@pytest.mark.parametrize("features", [8, 30, 100])
def test_the_rate_of_minibatches_is_that_of_least_squares(features, batch):
    # E H^2 = q^2 (1 + (d+1)/B) for H = x'x/B of Gaussian x with d features: stable in the mean square below 2/(q (1 + (d+1)/B))
    found = lrbound.predict(lrbound.parse(LINEAR.format(features=features, batch=batch)))

    assert found.max_learning_rate == pytest.approx(
        MARGIN[True] * 2.0 / (200.0 * (1.0 + (features + 1) / batch)), rel=0.15
    )


def test_white_statistics_change_nothing():
    net = lrbound.parse(DENSE.format(norm="batch_norm,", outputs=10))
    white = replace(net, input=Input((128,), centred_share=0.0))

    assert lrbound.predict(white).lambda_max == pytest.approx(lrbound.predict(net).lambda_max, rel=1e-9)


@pytest.mark.parametrize(
    "law",
    [
        Input((50,), correlation=0.2, centred_share=0.3, norm_kurtosis=1.6),
        Input((50,), centred_share=0.6, norm_kurtosis=1.1),
        Input((3, 8, 8), correlation=0.1, mean_share=0.4, channel_correlation=0.8, norm_kurtosis=1.5),
    ],
)
def test_drawn_samples_have_the_statistics_that_they_are_drawn_for(law):
    drawn = [draw(law, 400, seed) for seed in range(6)]
    norms = np.concatenate([one.norms for one in drawn])
    apart = np.mean([one.own[~np.eye(400, dtype=bool)].mean() for one in drawn])

    assert norms.mean() == pytest.approx(1.0, rel=0.06)
    assert apart == pytest.approx(law.correlation, abs=0.03)
    assert np.mean(norms**2) / norms.mean() ** 2 == pytest.approx(law.norm_kurtosis, rel=0.12)


def test_image_means_common_to_the_channels_count_under_batch_norm_and_a_pooled_head():
    text = """
version: 1
input: {shape: [3, 12, 12]}
training: {batch_size: 32}
layers:
- repeat: {times: 3, layers: [{conv2d: {channels: 32, kernel: 3, padding: 1}}, batch_norm, relu]}
- global_avg_pool
- linear: 10
"""
    rng = np.random.default_rng(3)
    share = 0.5
    data = share**0.5 * rng.standard_normal((512, 1, 1, 1)) + (1 - share) ** 0.5 * rng.standard_normal((512, 3, 12, 12))
    net = lrbound.parse(text)
    law = Input((3, 12, 12), mean_share=share, channel_correlation=1.0, norm_kurtosis=1.0 + 2.0 * share**2)
    found, white, truth = (
        lrbound.predict(replace(net, input=law)).lambda_max,
        lrbound.predict(net).lambda_max,
        measured(net, data),
    )

    assert truth > 2.0 * white
    assert 1 / 1.6 < found / truth < 1.6


def test_a_gamma_of_0_is_answered_on_samples_with_a_top_component_as_a_tiny_one():
    """The last gamma of a residual branch starts at 0 in many networks."""

    def on_samples(gamma):
        return lrbound.predict(
            lrbound.parse(
                "version: 1\ninput: {shape: [30], centred_share: 0.44, norm_kurtosis: 2.8}\ninit: he\n"
                "training: {loss: mse, batch_size: 8}\n"
                f"layers: [{{linear: 64}}, {{residual: [batch_norm, relu, {{linear: 64}}, {{batch_norm: {{gamma: {gamma}}}}}]}}, "
                "batch_norm, relu, {linear: 2}]"
            )
        )

    none, tiny = on_samples(0.0), on_samples(1e-4)

    assert none.lambda_max == pytest.approx(tiny.lambda_max, rel=0.05)
    assert none.max_learning_rate == pytest.approx(tiny.max_learning_rate, rel=0.05)
