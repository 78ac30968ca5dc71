from __future__ import annotations

from dataclasses import replace

import pytest

import lrbound
from lrbound.empirical.boundary import find_boundary
from lrbound.empirical.datasets import load_data
from lrbound.empirical.fingerprint import cell_key
from lrbound.empirical.store import NotRunsError, RunStore
from lrbound.empirical.training import Cell, Run

RUN = Run(1.0, None, diverged=True, grew=False, steps=7)


def test_runs_are_found_again(tmp_path):
    path = tmp_path / "deep" / "runs.jsonl"
    store = RunStore(path)
    store.add("a", RUN)
    store.add("b", replace(RUN, final=0.25))

    again = RunStore(path)
    assert (len(again), again.get("a"), again.get("b").final, again.get("c")) == (2, RUN, 0.25, None)


def test_a_line_that_a_crash_cut_off_is_done_again(tmp_path):
    path = tmp_path / "runs.jsonl"
    store = RunStore(path)
    store.add("a", RUN)
    store.add("b", RUN)
    path.write_bytes(path.read_bytes()[:-20])
    broken = RunStore(path)
    assert (broken.get("a"), broken.get("b")) == (RUN, None)

    broken.add("c", RUN)
    assert RunStore(path).get("c") == RUN


@pytest.mark.parametrize("content", [b"", b"a letter\n", b"[1]\n", b'{"key": "a"}\n', b"\xff\xfe"])
def test_a_file_of_someone_else_is_left_alone(tmp_path, content):
    path = tmp_path / "runs.jsonl"
    path.write_bytes(content)
    with pytest.raises(NotRunsError, match="is not a file of runs that lrbound wrote"):
        RunStore(path)
    assert path.read_bytes() == content


def test_the_key_knows_what_matters_and_nothing_else(tiny):
    def key(*changes, rate=0.1, seed=0, data="d"):
        return cell_key(Cell(tiny(*changes), rate, seed, 10), data)

    assert key() == key(("name", "other")) == key(("training.optimizer.learning_rate", "3"))
    others = {
        key(("layers.*.gamma", "2")),
        key(("training.loss", "mse")),
        key(("layers.2", "tanh")),
        key(rate=0.2),
        key(seed=1),
        key(data="e"),
    }
    assert len(others | {key()}) == 7


def test_a_second_search_trains_nothing(tiny, train_on, tmp_path, monkeypatch):
    network, path = tiny(), tmp_path / "runs.jsonl"
    prediction, data = lrbound.predict(network), load_data(network)
    first = find_boundary(network, prediction, train_on(data, path), seeds=(0,), steps=20)
    monkeypatch.setattr("lrbound.empirical.runner.train", lambda *_: pytest.fail("trained again"))

    assert find_boundary(network, prediction, train_on(data, path), seeds=(0,), steps=20) == first
