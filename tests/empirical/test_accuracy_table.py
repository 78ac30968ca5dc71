"""The accuracy table of examples/README.md belongs to the committed specs, results and theory."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import pytest

import lrbound

ROOT = Path(__file__).parents[2]
AGAIN = "run `python examples/accuracy.py` and commit what it writes"


@pytest.fixture(scope="module")
def accuracy():
    """Return the script as a module."""
    spec = importlib.util.spec_from_file_location("accuracy", ROOT / "examples" / "accuracy.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["accuracy"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["accuracy"]


@pytest.fixture
def zoo(accuracy, tmp_path):
    """Two small specs, and the arguments with which the script works on them."""
    folder = tmp_path / "zoo"
    folder.mkdir()
    for name, width in (("one", 10), ("two", 20)):
        layers = f"layers: [{{linear: {width}}}, relu, {{linear: 2}}]"
        text = f"version: 1\ninput: {{shape: [4]}}\ntraining: {{batch_size: 8}}\n{layers}\n"
        (folder / f"{name}.yaml").write_text(text)
    (tmp_path / "README.md").write_text("# Title\n")
    options = {"--zoo": folder, "--results": tmp_path / "results", "--readme": tmp_path / "README.md", "--seeds": 2}
    return [str(part) for pair in options.items() for part in pair]


def specs(accuracy):
    return sorted(accuracy.ZOO.glob("*.yaml"))


def test_the_zoo_covers_what_it_should(accuracy):
    nets = [lrbound.load(spec) for spec in specs(accuracy)]
    kinds = {node.layer.kind for net in nets for node, _ in net.unrolled()}

    assert len(nets) >= 28
    assert [net.name for net in nets] == [spec.stem for spec in specs(accuracy)]
    assert {"linear", "conv2d", "batch_norm", "dropout", "relu", "tanh", "erf", "gelu", "silu", "selu"} <= kinds
    assert {net.training.loss.kind for net in nets} == {"half_squared_error", "mse", "cross_entropy"}
    assert {net.training.batch_size for net in nets} >= {8, 512}
    assert {net.outputs for net in nets} >= {1, 10, 100}


def test_every_result_belongs_to_a_spec(accuracy):
    for spec in specs(accuracy):
        assert accuracy.stored(spec, accuracy.RESULTS, accuracy.key(spec, accuracy.SEEDS, accuracy.SEED)), (spec, AGAIN)
    names = {path.stem for path in accuracy.RESULTS.iterdir()}
    assert names == {spec.stem for spec in specs(accuracy)}


def test_the_table_in_the_readme_is_that_of_the_results(accuracy):
    measurements = accuracy.compare(specs(accuracy), accuracy.RESULTS, accuracy.SEEDS, accuracy.SEED)
    readme = accuracy.README.read_text()

    assert accuracy.insert(readme, accuracy.table(measurements)) == readme, AGAIN


def test_measures_what_is_missing_and_writes_the_table(accuracy, zoo, tmp_path, capsys):
    accuracy.main(zoo)
    readme = (tmp_path / "README.md").read_text()

    assert capsys.readouterr().err == "1/2 one\n2/2 two\n"
    assert readme.startswith(f"# Title\n\n{accuracy.BEGIN}\n\n2 networks, 2 initialisations each. Error")
    assert "| two |" in readme
    accuracy.main(zoo)
    assert capsys.readouterr().err == ""
    assert (tmp_path / "README.md").read_text() == readme


def test_a_changed_spec_is_measured_again_and_a_comment_is_no_change(accuracy, zoo, tmp_path, capsys):
    accuracy.main(zoo)
    one, two = tmp_path / "zoo" / "one.yaml", tmp_path / "zoo" / "two.yaml"
    one.write_text("# a comment\n" + one.read_text())
    two.write_text(two.read_text().replace("20", "30"))
    capsys.readouterr()
    accuracy.main(zoo)

    assert capsys.readouterr().err == "1/1 two\n"


def test_a_table_without_its_results_is_refused(accuracy, zoo, tmp_path):
    with pytest.raises(SystemExit, match=r"one\.yaml: has no result in .* that belongs to it"):
        accuracy.main([*zoo, "--table-only"])


def test_a_broken_result_is_measured_again(accuracy, zoo, tmp_path):
    accuracy.main(zoo)
    (tmp_path / "results" / "one.json").write_text('{"key": "')
    accuracy.main(zoo)

    assert len(json.loads((tmp_path / "results" / "one.json").read_text())["values"]) == 2


def test_text_around_the_markers_stays(accuracy):
    document = f"before\n{accuracy.BEGIN}\nold\n{accuracy.END}\nafter\n"

    assert accuracy.insert(document, "new") == f"before\n{accuracy.BEGIN}\n\nnew\n\n{accuracy.END}\nafter\n"


def test_help_explains(accuracy, capsys):
    with pytest.raises(SystemExit):
        accuracy.main(["--help"])

    assert "Predicted against measured lambda_max for every spec" in capsys.readouterr().out
