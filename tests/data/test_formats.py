"""Every format of data gives back the numbers that were written, and hostile files end in one sentence."""

from __future__ import annotations

import gzip
import io
import struct
import zipfile

import numpy as np
import pytest

from lrbound.data import DATA_FORMATS
from lrbound.data._open import Normalisation, open_data
from lrbound.data.base import Wanted
from lrbound.errors import Refused

DATA = np.random.default_rng(0).standard_normal((7, 3))
PIXELS = np.random.default_rng(1).integers(0, 256, (5, 3, 32, 32)).astype(np.uint8)


def all_of(samples):
    blocks = list(samples.blocks())
    labels = [block.labels for block in blocks if block.labels is not None]
    return np.concatenate([block.x for block in blocks]), np.concatenate(labels) if labels else None


def idx(array, code=8):
    return bytes([0, 0, code, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def csv_of(rows, end="\n"):
    return end.join(",".join(map(repr, map(float, row))) for row in rows)


@pytest.mark.parametrize("name", ["a.npy", "a.npz", "a.csv", "a.tsv"])
def test_numbers_come_back(tmp_path, name):
    path = tmp_path / name
    if name == "a.npy":
        np.save(path, DATA)
    elif name == "a.npz":
        np.savez_compressed(path, DATA)
    else:
        text = csv_of(DATA)
        path.write_text(text.replace(",", "\t") if name == "a.tsv" else text)

    assert np.array_equal(all_of(open_data(str(path)))[0], DATA)


def test_fortran_order_is_a_matter_of_layout(tmp_path):
    np.save(tmp_path / "a.npy", np.asfortranarray(DATA))

    assert np.array_equal(all_of(open_data(str(tmp_path / "a.npy")))[0], DATA)


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + csv_of(DATA).encode(),
        csv_of(DATA, "\r\n").encode(),
        csv_of(DATA).replace(",", ";").encode(),
        b"\n\n" + csv_of(DATA, "\n\n").encode(),
        b"a,b,c\n" + csv_of(DATA).encode(),
        b"\xef\xbb\xbf# a,b,c\n" + csv_of(DATA).encode(),
    ],
)
def test_no_row_of_a_csv_is_lost(tmp_path, content):
    (tmp_path / "a.csv").write_bytes(content)

    assert np.array_equal(all_of(open_data(str(tmp_path / "a.csv")))[0], DATA)


def test_a_column_of_a_csv_is_the_target(tmp_path):
    (tmp_path / "a.csv").write_text("x,price,z\n1,10,3\n4,20,6\n")
    for column in ("price", "1", "-2"):
        x, labels = all_of(open_data(str(tmp_path / "a.csv"), Wanted(column=column)))

        assert x.tolist() == [[1.0, 3.0], [4.0, 6.0]]
        assert labels.tolist() == ["10", "20"]


def test_parquet_gives_columns_and_targets(tmp_path):
    import pyarrow as pa
    from pyarrow import parquet

    table = pa.table({"a": [1.0, 2.0], "kind": ["x", "y"], "b": [3, 4]})
    parquet.write_table(table, tmp_path / "a.parquet")
    x, labels = all_of(open_data(str(tmp_path / "a.parquet"), Wanted(column="kind")))

    assert x.tolist() == [[1.0, 3.0], [2.0, 4.0]]
    assert labels.tolist() == ["x", "y"]
    with pytest.raises(Refused, match="column 'kind' holds string, not numbers"):
        open_data(str(tmp_path / "a.parquet"))


@pytest.mark.parametrize("packed", [False, True])
def test_idx_images_are_scaled_to_one(tmp_path, packed):
    path = tmp_path / ("train-images-idx3-ubyte" + (".gz" if packed else ""))
    content = idx(PIXELS[:, 0])
    path.write_bytes(gzip.compress(content) if packed else content)
    samples = open_data(str(path))

    assert samples.shape == (1, 32, 32)
    assert np.allclose(all_of(samples)[0], PIXELS[:, :1] / 255.0)


def test_big_endian_numbers_of_an_idx_file(tmp_path):
    (tmp_path / "a.idx").write_bytes(idx(DATA.astype(">f8"), 0x0E))

    assert np.array_equal(all_of(open_data(str(tmp_path / "a.idx")))[0], DATA)


@pytest.mark.parametrize("labels", [1, 2])
def test_cifar_batches_of_a_folder(tmp_path, labels):
    records = np.concatenate([np.full((5, labels), 7, np.uint8), PIXELS.reshape(5, -1)], axis=1)
    for name, part in (("data_batch_1.bin", records[:2]), ("data_batch_2.bin", records[2:])):
        (tmp_path / name).write_bytes(part.tobytes())
    x, found = all_of(open_data(str(tmp_path)))

    assert np.allclose(x, PIXELS / 255.0)
    assert found.tolist() == [7] * 5


def test_folders_of_images_by_class(tmp_path):
    from PIL import Image

    for at, kind in enumerate(("cat", "dog", "dog")):
        (tmp_path / kind).mkdir(exist_ok=True)
        Image.fromarray(PIXELS[at].transpose(1, 2, 0)).save(tmp_path / kind / f"{at}.png")
    x, labels = all_of(open_data(str(tmp_path)))

    assert np.allclose(x, PIXELS[:3] / 255.0)
    assert labels.tolist() == [0, 1, 1]


def test_images_of_two_sizes_are_refused(tmp_path):
    from PIL import Image

    for size in (4, 5):
        Image.new("RGB", (size, 4)).save(tmp_path / f"{size}.png")
    with pytest.raises(Refused, match=r"5\.png is 5 x 4, the first image 4 x 4"):
        all_of(open_data(str(tmp_path)))


def test_images_are_normalised_as_torchvision_does(tmp_path):
    np.save(tmp_path / "a.npy", PIXELS)
    mean, std = (0.5, 0.4, 0.3), (0.2, 0.25, 0.3)
    x, _ = all_of(open_data(str(tmp_path / "a.npy"), None, Normalisation(mean, std)))
    wanted = (PIXELS / 255.0 - np.reshape(mean, (3, 1, 1))) / np.reshape(std, (3, 1, 1))

    assert np.allclose(x, wanted)


def npy(header: bytes, version: int = 1) -> bytes:
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H" if version == 1 else "<I", len(header)) + header


def zipped(name, content):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, content)
    return file.getvalue()


HEADER = b"{'descr': '<f8', 'fortran_order': False, 'shape': (%s), }"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.npy", npy(b"(" * 9000), "its header is broken"),
        ("a.npy", b"\x93NUMPY\x02\x00\xff\xff\xff\xff", "header has 4294967295 bytes"),
        ("a.npy", npy(HEADER % b"10**30, 2"), "its header is broken"),
        ("a.npy", npy(HEADER % b"1000000000000, 2"), "ends before its array does"),
        ("a.npy", npy(HEADER % b"1, 1000000000000"), "one sample has 1000000000000 numbers"),
        (
            "a.npy",
            npy(b"{'descr': '|O', 'fortran_order': False, 'shape': (1, 1), }") + b"cos\nsystem\n.",
            "its type is |O",
        ),
        ("a.npz", zipped("x.npy", npy(HEADER % b"3, 2")), "ends before its array does"),
        ("a.npz", zipped("x.npy", b"nothing"), "not an .npy array of numbers"),
        ("a.npz", b"PK\x03\x04 half", "not an .npz file"),
        ("a.csv", b"1,2\n#3,4\n", "line 2: '#3' is not a number"),
        ("a.csv", b"1,2\n3\n", "line 2: 1 fields where the first line has 2"),
        ("a.csv", b"1,2\n\x00,4\n", "line 2: "),
        ("a.csv", b"\xff\xfe1\x00", "not UTF-8 text"),
        ("a.csv", b"", "is empty"),
        ("a.idx", b"\x00\x00\x08\x03", "not an IDX file"),
        ("a.idx", b"\x00\x00\x08\x02\xff\xff\xff\xff\x00\x00\x00\x04", "ends before its array does"),
        ("a.idx.gz", b"\x1f\x8bnothing", "not a gzip file"),
        ("a.bin", b"1234", "not a binary batch of CIFAR"),
        ("a.txt", b"1", "not a file that is known by its name"),
    ],
)
def test_hostile_files_end_in_one_sentence(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(Refused) as caught:
        all_of(open_data(str(path)))

    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_broken_image_is_refused(tmp_path):
    (tmp_path / "a.png").write_bytes(b"no image")
    with pytest.raises(Refused, match=r"a\.png is not an image"):
        open_data(str(tmp_path))


def test_every_format_is_named_by_a_file():
    assert set(DATA_FORMATS.names()) == {"cifar", "csv", "idx", "image_folder", "npy", "npz", "parquet"}
