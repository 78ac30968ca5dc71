from __future__ import annotations

import numpy as np
import pytest

from lrbound.explore import statistics as module
from lrbound.explore.data_file import read_data
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

    assert (found.correlation, found.warnings) == (None, (reason,))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (np.ones(5), "samples by features are needed, got an array of shape [5]"),
        (np.ones((0, 5)), "samples by features are needed, got an array of shape [0, 5]"),
        (np.array([["a", "b"]]), "numbers are needed, got an array of type <U1"),
        (np.array([[1.0, np.nan]]), "some values are not finite"),
    ],
)
def test_what_is_no_data(data, message):
    with pytest.raises(ValueError) as caught:
        statistics(data, "data")

    assert str(caught.value) == message


def test_files(tmp_path):
    data = np.arange(12.0).reshape(4, 3)
    np.save(tmp_path / "a.npy", data)
    np.savez(tmp_path / "one.npz", images=data)
    np.savez(tmp_path / "two.npz", x=data, y=np.arange(4))
    np.savez(tmp_path / "none.npz", a=data, b=data)
    (tmp_path / "a.csv").write_text("\n".join(",".join(map(str, row)) for row in data))
    (tmp_path / "head.csv").write_text("a,b,c\n" + "\n".join(",".join(map(str, row)) for row in data))

    for name in ("a.npy", "one.npz", "two.npz", "a.csv", "head.csv"):
        assert np.array_equal(read_data(str(tmp_path / name)), data)
    assert np.array_equal(read_data(str(tmp_path / "none.npz"), "b"), data)
    for name, array, message in [
        ("none.npz", None, "holds several arrays and none is called 'x'; choose one with --array: a, b"),
        ("none.npz", "c", "holds no array 'c'; choose one with --array: a, b"),
    ]:
        with pytest.raises(ValueError) as caught:
            read_data(str(tmp_path / name), array)
        assert str(caught.value) == f"{tmp_path / name}: {message}"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.npy", b"nothing", "not numbers: "),
        ("b.npy", b"", "not a .npy file"),
        ("a.npz", b"nothing", "not numbers: "),
        ("a.csv", b"1,2\n3,x\n", "not numbers: "),
        ("a.csv", b"1,2\n3\n", "not numbers: "),
        ("a.csv", b"\xff\xfe", "not numbers: "),
        ("a.txt", b"1", "not a .npy, .npz, .csv file"),
    ],
)
def test_broken_files_are_one_line(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ValueError) as caught:
        read_data(str(path))

    assert str(caught.value).startswith(f"{path}: {message}")
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there():
    with pytest.raises(ValueError) as caught:
        read_data("no.npy")

    assert str(caught.value) == "no.npy: cannot be read: No such file or directory"
