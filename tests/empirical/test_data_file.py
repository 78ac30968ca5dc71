from __future__ import annotations

import numpy as np
import pytest

from lrbound.empirical.data_file import differences, read_samples
from lrbound.errors import Refused
from lrbound.input_law import Input

DATA = np.random.default_rng(0).standard_normal((5, 12))


@pytest.fixture
def file(tmp_path):
    """Write arrays and return the path."""

    def write(name: str, *arrays, **named) -> str:
        path = tmp_path / name
        if name.endswith(".npz"):
            np.savez(path, *arrays, **named)
        else:
            np.save(path, *arrays)
        return str(path)

    return write


def test_reads_an_array(file):
    assert np.array_equal(read_samples(file("a.npy", DATA), (12,)), DATA)


def test_reshapes_samples_of_the_same_size(file):
    assert read_samples(file("a.npy", DATA), (3, 2, 2)).shape == (5, 3, 2, 2)
    assert read_samples(file("a.npy", DATA.reshape(5, 3, 4)), (12,)).shape == (5, 12)


@pytest.mark.parametrize("arrays", [{"only": DATA}, {"x": DATA, "y": np.arange(5)}])
def test_takes_the_only_array_or_the_one_called_x(file, arrays):
    assert np.array_equal(read_samples(file("a.npz", **arrays), (12,)), DATA)


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("a.npy", DATA[:, :3], r"samples of shape \[12\] are needed, got \[3\]"),
        ("a.npy", DATA[0], r"samples of shape \[12\] are needed, got \[\]"),
        ("a.npy", DATA[:0], r"samples by features are needed, got an array of shape \[0, 12\]"),
        ("a.npy", DATA * np.nan, "some values are not finite"),
        ("a.npy", np.array([["a"] * 12]), r"not an \.npy array of numbers: its type is <U1"),
        ("a.npy", np.array([[None] * 12]), r"not an \.npy array of numbers: its type is \|O"),
    ],
)
def test_other_arrays_are_refused(file, name, array, message):
    with pytest.raises(Refused, match=message):
        read_samples(file(name, array), (12,))


def test_several_arrays_without_an_x_are_refused(file):
    path = file("a.npz", images=DATA, labels=np.arange(5))
    with pytest.raises(Refused, match="several arrays and none is called 'x'; choose one with --array: images, labels"):
        read_samples(path, (12,))


@pytest.mark.parametrize("content", [b"", b"no array", b"PK\x03\x04 half a zip"])
def test_other_files_are_refused(tmp_path, content):
    path = tmp_path / "a.npz"
    path.write_bytes(content)
    with pytest.raises(Refused, match=r"a\.npz: not an \.npz file of NumPy arrays"):
        read_samples(str(path), (12,))


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(Refused, match=r"a\.npy: cannot be read: No such file or directory"):
        read_samples(str(tmp_path / "a.npy"), (12,))


def test_says_where_the_data_differ_from_the_spec():
    rng = np.random.default_rng(1)
    white = rng.standard_normal((200, 400))

    assert differences(white, Input((400,))) == []
    (found,) = differences(2.0 * white + 1.0, Input((400,)))
    assert found.message == "the data has mean_square 4.96, correlation 0.198; the spec has 1 and 0"
    assert [notice.message for notice in differences(0.0 * white, Input((400,)))] == ["the data is all zeros"]
