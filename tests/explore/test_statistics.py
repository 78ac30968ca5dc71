from __future__ import annotations

import numpy as np
import pytest

from lrbound.data.base import Block, Samples
from lrbound.explore import statistics as module
from lrbound.explore.statistics import statistics


def by_definition(data):
    flat = data.reshape(len(data), -1).astype(float)
    gram = flat @ flat.T / flat.shape[1]
    mean_square = np.mean(np.diag(gram))
    pairs = gram[~np.eye(len(data), dtype=bool)]
    return mean_square, pairs.mean() / mean_square


@pytest.mark.parametrize("shape", [(7, 5), (6, 2, 3, 4), (2, 1)])
@pytest.mark.parametrize("block", [1, 4, 1 << 22])
def test_against_the_definition(monkeypatch, shape, block):
    monkeypatch.setattr(module, "BLOCK", block)
    data = np.random.default_rng(0).standard_normal(shape) + 1.0
    found = statistics(data, "data")

    assert (found.mean_square, found.correlation) == pytest.approx(by_definition(data), rel=1e-12)
    assert (found.samples, found.shape) == (shape[0], shape[1:])


def test_pixels_are_numbers():
    data = np.random.default_rng(0).integers(0, 256, (20, 3, 4, 4)).astype(np.uint8)
    found = statistics(data, "data")

    assert (found.mean_square, found.correlation) == pytest.approx(by_definition(data), rel=1e-12)


def test_equal_samples_are_fully_correlated():
    assert statistics(np.ones((4, 3)), "data").correlation == pytest.approx(1.0, rel=1e-14)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (np.ones((1, 4)), "correlation is null: one sample has no pairs"),
        (np.zeros((3, 4)), "correlation is null: all values are 0"),
    ],
)
def test_no_correlation_has_a_reason(data, reason):
    found = statistics(data, "data")

    assert (found.correlation, [one.message for one in found.warnings]) == (None, [reason])


def test_principal_components_norms_and_means_against_the_definitions():
    rng = np.random.default_rng(1)
    data = (
        rng.standard_normal((60, 3, 4, 4)) + 2.0 * rng.standard_normal((60, 1, 1, 1)) + np.reshape([1, 2, 3], (3, 1, 1))
    )
    found = statistics(data, "data")
    flat, means = data.reshape(60, -1), data.mean(axis=(2, 3))
    centred = (data - means.mean(axis=0)[:, None, None]).reshape(60, -1)
    norms = np.square(flat).sum(axis=1)
    between = np.corrcoef(means.T)
    covariance = np.cov(means.T, bias=True)

    assert found.top_share == pytest.approx(np.linalg.svd(flat)[1][0] ** 2 / np.square(flat).sum(), rel=1e-5)
    assert found.centred_share == pytest.approx(np.linalg.svd(centred)[1][0] ** 2 / np.square(centred).sum(), rel=1e-5)
    assert found.norm_kurtosis == pytest.approx(np.mean(norms**2) / np.mean(norms) ** 2, rel=1e-10)
    assert found.mean_share == pytest.approx(np.trace(covariance) / 3 / np.mean(data**2), rel=1e-10)
    assert found.channel_correlation == pytest.approx(between[np.triu_indices(3, 1)].mean(), abs=0.01)


@pytest.mark.parametrize("features", [5, 40])
def test_white_features_count_as_they_are(features):
    data = np.random.default_rng(2).standard_normal((500, features + 1))
    data[:, 0] *= 10.0  # the first component

    assert statistics(data, "data").effective_features == pytest.approx(features, rel=0.1)


@pytest.mark.parametrize(
    ("labels", "scale", "classes"),
    [
        (np.array([0, 1, 2, 0]), 1.0, 3),
        (np.array(["a", "b", "a", "a"]), 1.0, 2),
        (np.array(["0", "1", "1", "0"]), 1.0, 2),
        (np.array([3.0, 4.0, 0.0, 0.0]), 2.5, None),
        (np.array([[3.0, 4.0]] * 4), 5.0, None),
    ],
)
def test_targets_are_classes_or_have_a_scale(labels, scale, classes):
    data = np.random.default_rng(0).standard_normal((4, 3))
    found = statistics(Samples("data", (3,), lambda: iter([Block(data, labels)])))

    assert (found.target_scale, found.classes) == (scale, classes)


def test_blocks_give_what_the_whole_gives():
    data = np.random.default_rng(0).standard_normal((300, 4)) + 0.5
    parts = Samples("data", (4,), lambda: (Block(part) for part in np.array_split(data, 7)))
    one, other = statistics(parts), statistics(data, "data")

    for name in ("mean_square", "correlation", "top_share", "centred_share", "norm_kurtosis"):
        assert getattr(one, name) == pytest.approx(getattr(other, name), rel=1e-9)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (np.ones(5), "samples by features are needed, got an array of shape [5]"),
        (np.ones((0, 5)), "samples by features are needed, got an array of shape [0, 5]"),
        (np.array([["a", "b"]]), "numbers are needed, got an array of type <U1"),
        (np.array([[1.0, np.nan]]), "some values are not finite, or too large to square"),
    ],
)
def test_what_is_no_data(data, message):
    with pytest.raises(ValueError) as caught:
        statistics(data, "data")

    assert str(caught.value) == message
