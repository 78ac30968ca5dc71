from __future__ import annotations

import pytest

FC = "examples/wei2019-fc.yaml"


@pytest.fixture
def complete(lrbound):
    """Return what bash is offered for the last word of a line."""

    def run(line: str) -> list[str]:
        words = len(line.split(" ")) - 1
        done = lrbound(_LRBOUND_COMPLETE="complete_bash", COMP_WORDS=line, COMP_CWORD=str(words))
        assert done.stderr == ""
        return done.stdout.split()

    return run


def test_paths_of_set(complete):
    found = complete(f"lrbound predict {FC} --set layers.*.b")

    assert found == [f"layers.*.batch_norm.{name}=" for name in ("gamma", "beta", "eps", "learnable")]


def test_paths_of_the_header(complete):
    assert complete(f"lrbound check {FC} --set training.optimizer.m") == ["training.optimizer.momentum="]


def test_single_layers_once_an_index_is_begun(complete):
    assert "layers.0.repeat.layers.1.batch_norm.gamma=" in complete(f"lrbound sweep {FC} --vary layers.0.")


def test_solve_takes_a_path_alone(complete):
    assert complete(f"lrbound solve {FC} --lr 0.1 --vary input.co") == ["input.correlation"]


def test_normalizers(complete):
    assert complete(f"lrbound compare {FC} --normalizers a") == ["all"]
    assert complete(f"lrbound compare {FC} --normalizers batch,l") == ["batch,layer"]
    assert "layer,layer" not in complete(f"lrbound compare {FC} --normalizers layer,")


@pytest.mark.parametrize("spec", ["no-such.yaml", "README.md", "-"])
def test_without_a_spec_there_is_nothing(complete, spec):
    assert complete(f"lrbound predict {spec} --set lay") == []
