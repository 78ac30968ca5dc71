"""Every command through the real entry point; golden texts of three of them."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest

FC, NO_BN, CNN = (f"examples/wei2019-{name}.yaml" for name in ("fc", "fc-no-bn", "cnn"))


def value(done):
    """Return the JSON of a command that went well."""
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def test_sweep_golden(lrbound, golden):
    golden("sweep.txt", lrbound("sweep", FC, "--also", NO_BN, "--vary", "gamma=0.25:4:9", "--method", "wei2019").stdout)


def test_solve_golden(lrbound, golden):
    golden("solve.txt", lrbound("solve", FC, "--vary", "gamma", "--lr", "0.1", "--method", "wei2019").stdout)


def test_compare_golden(lrbound, golden):
    golden("compare.txt", lrbound("compare", FC, NO_BN, "--method", "wei2019").stdout)


def test_sweep_json(lrbound):
    found = value(lrbound("sweep", FC, "--vary", "layers.*.batch_norm.gamma=0.5,1", "--format", "json"))
    one = value(lrbound("predict", FC, "--format", "json"))

    assert found["schema_version"] == 2
    assert found["knobs"] == ["layers.*.batch_norm.gamma"]
    assert found["points"][1] == {
        "name": "wei2019-fc",
        "values": {"layers.*.batch_norm.gamma": 1},
        **{key: one[key] for key in ("lambda_max", "max_learning_rate", "recommended_learning_rate")},
    }


def test_sweep_csv(lrbound):
    done = lrbound("sweep", FC, "--vary", "gamma=0.5,1", "--vary", "depth=1,2", "--format", "csv")
    rows = list(csv.reader(io.StringIO(done.stdout)))

    assert rows[0] == [
        "layers.*.gamma", "layers.*.times", "lambda_max", "max_learning_rate", "recommended_learning_rate",
    ]  # fmt: skip
    assert [row[:2] for row in rows[1:]] == [["0.5", "1"], ["1", "1"], ["0.5", "2"], ["1", "2"]]


def test_sweep_csv_of_several_specs_has_their_names(lrbound):
    done = lrbound("sweep", FC, "--also", CNN, "--vary", "gamma=1", "--format", "csv")

    assert [line.split(",")[0] for line in done.stdout.splitlines()] == ["name", "wei2019-fc", "wei2019-cnn"]


def test_sweep_from_stdin(lrbound):
    from pathlib import Path

    text = (Path(__file__).parents[2] / FC).read_text()

    assert value(lrbound("sweep", "-", "--vary", "gamma=1,2", "--format", "json", stdin=text))["points"]


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_a_picture_is_not_overwritten(lrbound, tmp_path, suffix):
    pytest.importorskip("matplotlib")
    path = tmp_path / f"a.{suffix}"
    first = lrbound("sweep", FC, "--vary", "gamma=0.5:2:5", "--plot", path)
    again = lrbound("sweep", FC, "--vary", "gamma=0.5:2:5", "--plot", path)
    forced = lrbound("sweep", FC, "--vary", "gamma=0.5:2:5", "--vary", "batch_size=64,full", "--plot", path, "--force")

    assert (first.returncode, again.returncode, forced.returncode) == (0, 2, 0)
    assert again.stderr == f"error: {path} exists; --force overwrites it\n"
    assert path.stat().st_size > 5000


def test_without_matplotlib_one_line_says_what_to_install(lrbound, tmp_path):
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.util as u\nfind = u.find_spec\n"
        "u.find_spec = lambda name, *a: None if name == 'matplotlib' else find(name, *a)\n"
    )
    done = lrbound("sweep", FC, "--vary", "gamma=1,2", "--plot", tmp_path / "a.png", PYTHONPATH=f"{tmp_path}:.")

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "lrbound sweep --plot needs matplotlib: pip install 'lrbound[plot]'\n"


def test_solve_json(lrbound):
    found = value(lrbound("solve", FC, "--vary", "gamma", "--lr", "0.1", "--format", "json"))
    (one,) = found["solutions"]
    rate = value(lrbound("predict", FC, "--set", f"layers.*.gamma={one['value']!r}", "--format", "json"))

    assert (found["vary"], found["learning_rate"], found["reason"]) == ("layers.*.gamma", 0.1, None)
    assert one["max_learning_rate"] == pytest.approx(0.1, rel=1e-9)
    assert rate["max_learning_rate"] == pytest.approx(0.1, rel=1e-9)


def test_solve_without_a_solution_has_status_1(lrbound):
    done = lrbound("solve", FC, "--vary", "gamma", "--lr", "100", "--range", "0.5:2", "--format", "json")
    found = json.loads(done.stdout)

    assert done.returncode == 1
    assert found["solutions"] == []
    assert found["nearest"]["value"] == 0.5
    assert found["reason"].startswith("the largest stable rate stays below 100 for all layers.*.gamma from 0.5 to 2; ")


def test_compare_json(lrbound):
    found = value(lrbound("compare", FC, NO_BN, CNN, "--format", "json"))

    assert [spec["name"] for spec in found["specs"]] == ["wei2019-fc", "wei2019-fc-no-bn", "wei2019-cnn"]
    assert found["baseline"] == "wei2019-fc"
    (difference,) = found["contrasts"][0]["differences"]
    assert (difference["before"], difference["after"]) == ("batch_norm", "-")
    assert difference["rate_factor"] == pytest.approx(found["contrasts"][0]["rate_ratio"])


def test_new_and_predict_work_together(lrbound, tmp_path):
    path = tmp_path / "net.yaml"
    done = lrbound("new", "cnn", "--width", 8, "--depth", 2, "--classes", 5, "--normalizer", "none", "-o", path)
    again = lrbound("new", "cnn", "-o", path)

    assert (done.returncode, done.stdout) == (0, "")
    assert (again.returncode, again.stderr) == (2, f"error: {path} exists; --force overwrites it\n")
    assert value(lrbound("predict", path, "--format", "json"))["assumptions"]["outputs"] == 5
    assert lrbound("new", "cnn", "-o", path, "--force").returncode == 0


def test_new_writes_to_stdout(lrbound):
    text = lrbound("new", "mlp").stdout

    assert text.startswith("# yaml-language-server: $schema=")
    assert value(lrbound("predict", "-", "--format", "json", stdin=text))["name"] == "mlp"


def test_schema(lrbound, tmp_path):
    from lrbound.spec.schema import schema

    path = tmp_path / "schema.json"

    assert value(lrbound("schema")) == schema()
    assert lrbound("schema", "-o", path).returncode == 0
    assert json.loads(path.read_text()) == schema()
    assert lrbound("schema", "-o", path).returncode == 2


def test_stats(lrbound, tmp_path):
    data = np.random.default_rng(0).standard_normal((50, 3, 4, 4)) + 0.5
    np.save(tmp_path / "a.npy", data)
    found = value(lrbound("stats", tmp_path / "a.npy", "--format", "json"))
    text = lrbound("stats", tmp_path / "a.npy").stdout

    assert (found["samples"], found["shape"], found["warnings"]) == (50, [3, 4, 4], [])
    assert found["mean_square"] == pytest.approx(np.mean(data**2))
    assert f"input:\n  shape: [3, 4, 4]\n  mean_square: {found['mean_square']:.6g}\n" in text


ERRORS = [
    (("sweep", FC, "--vary", "gamma"), "error: 'gamma' is not PATH=RANGE, such as gamma=0.1:5:50 or layers.0"),
    (("sweep", FC, "--vary", "gamma=1:2"), "error: '1:2' is not LOW:HIGH:COUNT, such as 0.1:5:50, or values"),
    (
        ("sweep", FC, "--vary", "gama=1,2"),
        "--vary layers.*.gama=1: nothing in the spec matches this path; did you mean 'gamma'?",
    ),
    (("sweep", FC, *("--vary", "gamma=1") * 3), "error: at most 2 knobs can be varied, got 3"),
    (("sweep", FC, "--vary", "gamma=1,2", "--plot", "a.bmp"), "error: --plot draws .png, .svg, .pdf files, got a.bmp"),
    (("sweep", FC, "--vary", "batch_size=0,2"), "--vary training.batch_size=0: training: 'batch_size' must be"),
    (("sweep", "no.yaml", "--vary", "gamma=1,2"), "no.yaml: cannot be read: No such file or directory"),
    (("sweep", "examples/wei2019-fc.yaml", "--also", "no.yaml", "--vary", "gamma=1"), "no.yaml: cannot be read: "),
    (("solve", FC, "--vary", "init", "--lr", "0.1"), "--vary init=0.25: 'init' must be a name or"),
    (("solve", FC, "--vary", "gamma", "--lr", "0.1", "--range", "2:1"), "error: '2:1': LOW must be below HIGH"),
    (("compare", FC), "error: compare needs two specs or more"),
    (("compare", FC, "no.yaml"), "no.yaml: cannot be read: No such file or directory"),
    (("compare", FC, CNN, "--batch-size", "1"), "error: wei2019-fc: batch_norm over 1 sample"),
    (("new", "rnn"), "error: unknown template 'rnn'; there are mlp, cnn"),
    (("new", "mlp", "--normalizer", "bach"), "error: unknown normalizer 'bach'; did you mean 'batch'?"),
    (("new", "mlp", "-o", "no/such/folder.yaml"), "error: cannot write no/such/folder.yaml: No such file or directory"),
    (("schema", "-o", "tests"), "error: tests is a folder"),
    (("stats", "no.npy"), "error: no.npy: cannot be read: No such file or directory"),
    (("compare", FC), "error: compare needs two specs or more, or one with --normalizers"),
    (("compare", FC, NO_BN, "--normalizers", "all"), "error: --normalizers takes one spec, got 2"),
    (("compare", FC, "--normalizers", "layer,bach"), "error: unknown normalizer 'bach'; did you mean 'batch'?"),
    (("stats", FC), f"error: {FC}: not a file that is known by its name"),
]


@pytest.mark.parametrize(("arguments", "message"), ERRORS, ids=lambda value: " ".join(value)[:50])
def test_errors_are_one_line_with_status_2(lrbound, arguments, message):
    done = lrbound(*arguments)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(message)
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("rate", ["0", "fast", "-1", "nan"])
def test_solve_takes_a_positive_rate(lrbound, rate):
    done = lrbound("solve", FC, "--vary", "gamma", f"--lr={rate}")

    assert done.returncode == 2
    assert f"Invalid value for '--lr': must be a positive number, got {rate!r}" in done.stderr
