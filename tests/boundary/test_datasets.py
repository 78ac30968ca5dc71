from __future__ import annotations

import numpy as np
import pytest

import lrbound
from lrbound.empirical.data_file import differences
from lrbound.empirical.datasets import load_data
from lrbound.errors import Refused


def network(shape="[64]", outputs=10, extra="", loss="half_squared_error"):
    layers = "[flatten, " if shape.count(",") else "["
    return lrbound.parse(
        f"version: 1\ninput: {{shape: {shape}{extra}}}\ntraining: {{loss: {loss}}}\nlayers: {layers}{{linear: {outputs}}}]"
    )


@pytest.mark.parametrize("shape", ["[64]", "[1, 8, 8]"])
def test_digits_are_taken_where_they_fit(shape):
    net = network(shape)
    data = load_data(net)

    assert data.name == "digits"
    assert data.x.shape == (1797, *net.input.shape)
    assert np.allclose([data.x.mean(), np.square(data.x).mean()], [0, 1], atol=1e-5)
    assert np.array_equal(data.y.sum(axis=1), np.ones(1797))


def test_the_documented_correlation_of_digits_is_right():
    net = network(extra=", correlation: 0.48")

    assert differences(load_data(net).x.astype(float), net.input) == []


def test_cross_entropy_gets_classes():
    data = load_data(network(loss="cross_entropy"), samples=50)

    assert (data.x.shape, data.y.shape, data.y.dtype) == ((50, 64), (50,), np.int64)


def test_other_shapes_get_a_teacher_with_the_statistics_of_the_spec():
    net = network("[300]", 3, ", mean_square: 2.0, correlation: 0.3")
    data = load_data(net)

    assert (data.name, data.x.shape, data.y.shape) == ("a random teacher", (1024, 300), (1024, 3))
    assert np.square(data.x).mean() == pytest.approx(2.0, rel=0.1)
    assert np.allclose(data.y.std(axis=0), 1.0, atol=1e-5)


def test_the_seed_fixes_the_data():
    net = network("[5]", 2)
    first, same, other = (load_data(net, seed=seed).x for seed in (1, 1, 2))

    assert np.array_equal(first, same)
    assert not np.array_equal(first, other)


def test_a_file_is_reshaped_and_its_classes_become_targets(tmp_path):
    path = str(tmp_path / "data.npz")
    np.savez(path, x=np.ones((7, 2, 3)), y=np.arange(7) % 3)
    data = load_data(network("[6]", 3), path)

    assert (data.x.shape, data.y.tolist()[1]) == ((7, 6), [0.0, 1.0, 0.0])


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": np.ones((7, 6))}, "has no array 'y'"),
        ({"x": np.ones((7, 5)), "y": np.zeros(7, int)}, "samples of shape"),
        ({"x": np.ones((7, 6)), "y": np.zeros(6, int)}, "x has 7 samples and y 6"),
        ({"x": np.ones((7, 6)), "y": np.full(7, 3)}, "classes 3 to 3; the spec has 3 outputs"),
        ({"x": np.ones((7, 6)), "y": np.zeros((7, 2))}, r"needs finite numbers of \[samples, 3\]"),
        ({"x": np.ones((7, 6)), "y": np.full((7, 3), np.nan)}, "finite"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(tmp_path, arrays, message):
    path = str(tmp_path / "data.npz")
    np.savez(path, **arrays)
    with pytest.raises(Refused, match=message):
        load_data(network("[6]", 3), path)


def test_digits_are_refused_where_they_do_not_fit():
    with pytest.raises(Refused, match="use --data teacher or a file"):
        load_data(network("[6]", 3), "digits")
