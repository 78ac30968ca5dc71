"""The benchmark of rates: its search on losses whose answer is known, its scores, and the command on two small cells."""

from __future__ import annotations

import dataclasses
import json
import math
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from lrbound.empirical.divergence import Judge

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "examples"))

from rate_benchmark import cells, data, main, measuring, nets, predicting, records, reports, scoring  # noqa: E402

from lrbound.rate.survival import MARGIN  # noqa: E402

SINGLE = {
    "version": 1,
    "input": {"shape": [1]},
    "training": {"loss": "mse", "batch_size": "full", "optimizer": {"name": "sgd", "momentum": 0.9}},
    "layers": [{"linear": {"features": 1, "bias": False, "init": {"weight_variance": 1.0}}}],
}
"""One weight w on the targets y = x: the loss is (w - 1)^2, its curvature 2."""


def cell(optimizer, **more):
    spec = {**SINGLE, "training": {**SINGLE["training"], "optimizer": optimizer}}
    kinds = dict.fromkeys(
        ("family", "normaliser", "init", "loss", "optimizer", "batch", "data", "targets", "gamma"), "any"
    )
    return cells.Cell("one weight", spec, "single", "raw", kinds, **more)


class Known(measuring.Task):
    """A task whose final loss is a function of the rate; None explodes."""

    def __init__(self, loss_at, constant=1.0):
        super().__init__(network=None, optimizer={}, data=None, seed=0, steps=0, _judge=Judge(constant, constant))
        self.loss_at = loss_at

    def train(self, rate):
        loss = self.loss_at(rate)
        return measuring.Point(loss, "exploded" if loss is None else "trained")


def rates_of(task):
    return {measuring.rate_of(notch): point.loss for notch, point in task.points.items()}


@pytest.mark.parametrize("start", [1e-4, 0.25, 10.0])
def test_search_finds_the_best_rate_and_the_boundary_from_any_start(start):
    task = Known(lambda rate: None if rate > 0.9 else 0.01 + 0.02 * math.log2(rate / 0.125) ** 2)
    low, high = measuring.search(task, start)
    assert measuring.rate_of(task.best) == 0.125
    assert measuring.rate_of(low) < 0.9 < measuring.rate_of(high)
    assert high - low == 1


def test_the_grid_goes_on_below_the_best_rate_until_the_loss_is_worse():
    task = Known(lambda rate: None if rate > 1.0 else max(0.1, 0.2 * 2.0**-5 / rate))
    measuring.search(task, 0.5)
    tried = rates_of(task)
    assert min(tried) == pytest.approx(2.0**-5)
    assert tried[min(tried)] > measuring.WORSE * min(loss for loss in tried.values() if loss is not None)


def test_a_run_that_ends_like_a_constant_fails_above_a_rate_that_learns_and_not_below():
    task = Known(lambda rate: 0.99 if rate < 1e-3 or rate > 0.3 else 0.1)
    low, high = measuring.search(task, 0.05)
    assert measuring.rate_of(low) < 0.3 < measuring.rate_of(high)
    assert not task.fails(min(task.points))


def test_a_loss_like_a_constants_is_no_failure_where_no_rate_learns():
    task = Known(lambda rate: None if rate > 2.0 else 0.95)
    low, high = measuring.search(task, 0.05)
    assert measuring.rate_of(low) <= 2.0 < measuring.rate_of(high)


def test_the_search_ends_without_a_boundary_where_nothing_fails():
    task = Known(lambda rate: 0.2 + abs(math.log(rate)) / 100.0)
    low, high = measuring.search(task, 1.0)
    assert high is None
    assert measuring.rate_of(low) == 2.0**measuring.REACH


def test_the_search_ends_without_a_best_rate_where_everything_fails():
    task = Known(lambda _: None)
    low, _ = measuring.search(task, 1.0)
    assert (low, task.best) == (None, None)


@pytest.mark.parametrize(("momentum", "boundary"), [(0.0, 1.0), (0.9, 1.9)])
def test_the_boundary_of_a_quadratic_is_2_by_its_curvature_times_1_plus_the_momentum(momentum, boundary):
    found = measuring.measure(cell({"name": "sgd", "momentum": momentum}), seed=0)
    low, high = found["boundary"]
    assert low < boundary * 1.001
    assert boundary * 0.999 < high
    assert high / low < 1.2


def test_the_first_step_of_adamw_raises_the_loss_from_twice_the_distance_on():
    network = cells.trained_network(cell({"name": "adamw"}))
    task = measuring.Task(
        network, {"name": "adamw", "weight_decay": 0.0}, cells.trained_data(cell({})), seed=3, steps=10
    )
    weight = next(task.descent().module.parameters()).item()
    rose = measuring.first_steps(task, 0.01)
    first = min(rate for rate, at_once, _ in rose if at_once)
    distance = abs(1.0 - weight)
    assert first / math.sqrt(2.0) <= 2.0 * distance <= first


RECORD = {
    "key": "k", "seed": 0, "initial": 2.0, "constant": 1.0, "best": [0.1, 0.01], "boundary": [0.4, 0.4 * 2**0.25],
    "runs": [[0.05, 0.02, "trained"], [0.1, 0.01, "trained"], [0.2, 0.04, "trained"], [0.4, 0.1, "trained"], [0.8, None, "exploded"]],
    "range_test": {"valley": 1e-4, "steepest": 0.6, "minimum": 0.05}, "kinds": {"loss": "mse"},
}  # fmt: skip


def test_the_loss_between_two_runs_is_a_line_in_the_logarithms():
    assert scoring.loss_at(RECORD, math.sqrt(0.1 * 0.2), {}) == pytest.approx(0.02)


def test_the_loss_beside_an_exploded_run_is_that_of_the_nearer_one():
    assert scoring.loss_at(RECORD, 0.5, {}) == pytest.approx(0.1)
    assert scoring.loss_at(RECORD, 0.6, {}) == math.inf
    assert scoring.loss_at(RECORD, 5.0, {}) == math.inf


def test_the_loss_below_the_grid_goes_on_up_to_that_before_training():
    assert scoring.loss_at(RECORD, 0.025, {}) == pytest.approx(0.04)
    assert scoring.loss_at(RECORD, 1e-9, {}) == pytest.approx(2.0)


def test_a_run_at_the_rate_itself_decides_its_loss():
    assert scoring.loss_at(RECORD, 0.07, {0.07: 0.03}) == pytest.approx(0.03)
    assert scoring.loss_at(RECORD, 0.07, {0.07: None}) == math.inf


def test_a_score_has_the_margin_and_the_regret_of_every_rule():
    run = {"rate": 0.07, "loss": 0.05, "outcome": "trained"}
    scored = scoring.score(RECORD, predicting.Rates(0.2, 0.07), [run])
    assert scored.margin == pytest.approx(2.0 * 2**0.125)
    assert scored.regrets == pytest.approx({"recommended": 5.0, "valley": 200.0, "steepest": math.inf, "minimum": 2.0})


def test_a_rate_is_good_where_the_loss_is_next_to_nothing_whatever_its_regret():
    solved = {**RECORD, "constant": 6.0}
    assert scoring.score(solved, predicting.Rates(0.2, 0.2), []).good["recommended"]
    assert not scoring.score(RECORD, predicting.Rates(0.2, 0.2), []).good["recommended"]


def test_a_predicted_first_step_is_judged_by_where_ten_steps_raise_the_loss():
    adaptive = {**RECORD, "first_steps": [[0.01, False, False], [0.01 * 2**0.5, False, True], [0.02, True, True]]}
    scored = scoring.score(adaptive, predicting.Rates(None, None, 0.01), [])
    assert scored.first_step == pytest.approx(2**0.25)
    assert scoring.summary([scored])["within 2"] == 1.0
    assert scoring.score(RECORD, predicting.Rates(None, None, 0.01), []).first_step is None


def test_where_nothing_failed_the_margin_reaches_to_the_last_rate_that_was_tried():
    survived = {**RECORD, "boundary": [0.4, None], "runs": RECORD["runs"][:-1]}
    assert scoring.score(survived, predicting.Rates(0.1, None), []).margin == pytest.approx(4.0)


@pytest.mark.parametrize(("loss", "margin"), [(0.5, 1.0), (0.95, math.sqrt(0.4 / 1.6)), (None, math.sqrt(0.4 / 1.6))])
def test_where_nothing_failed_a_maximum_beyond_it_is_judged_by_its_own_run(loss, margin):
    survived = {**RECORD, "boundary": [0.4, None], "runs": RECORD["runs"][:-1]}
    run = {"rate": 1.6, "loss": loss, "outcome": "trained"}
    assert scoring.score(survived, predicting.Rates(1.6, None), [run]).margin == pytest.approx(margin)
    assert scoring.score(survived, predicting.Rates(1.6, None), []).margin is None


def test_a_cell_is_unsafe_where_one_of_its_seeds_fails_below_the_maximum():
    margins = {"a": (0.5, 2.0), "b": (2.0, 2.0), "c": (8.0, 8.0), "d": (None, None)}
    scored = [
        scoring.Scored(key, {}, margin, {"recommended": 1.0 + 2.0 * (key == "a")}, {"recommended": True})
        for key, both in margins.items()
        for margin in both
    ]
    found = scoring.summary(scored)
    assert found["cells"] == 4
    assert found["unsafe"] == pytest.approx(1 / 3)
    assert found["least"] == 0.5
    assert found["caution"] == pytest.approx(2.0 ** ((-1 + 1 + 1 + 1 + 3 + 3) / 6))
    assert found["refused"] == 2
    assert found["recommended below 2"] == pytest.approx(0.75)
    assert found["recommended p90"] == 3.0


@pytest.fixture(scope="module")
def design():
    return cells.design()


def test_the_design_has_at_least_120_cells_all_different_and_half_of_them_held_out(design):
    assert len(design) >= 120
    assert len({one.key for one in design}) == len(design)
    assert 0.4 <= sum(one.split == "look" for one in design) / len(design) <= 0.6


def test_the_design_meets_every_normaliser_of_the_package(design):
    from lrbound.layers import LAYERS
    from lrbound.layers._normaliser import Normaliser

    kinds = {kind for kind in LAYERS.names() if issubclass(LAYERS.get(kind), Normaliser)}
    assert kinds - {one.kinds["normaliser"] for one in design} == set()
    assert sum(one.kinds["normaliser"] == "none" for one in design) >= 30


def test_the_design_has_forty_cells_of_adamw_and_the_other_optimisers(design):
    counts = Counter(one.kinds["optimizer"] for one in design)
    assert counts["adamw"] >= 40
    assert {"sgd-0", "sgd-0.9", "sgd-0.99", "nesterov-0.9"} <= counts.keys()


def test_every_cell_is_a_spec_whose_network_takes_its_data(design):
    for one in [*design, *reports.reports()]:
        network = cells.trained_network(one)
        given = cells.trained_data(one)
        assert given.x.shape[1:] == network.input.shape
        assert given.y.max() < network.outputs if given.y.ndim == 1 else given.y.shape[1] == network.outputs


def test_the_cost_of_a_convolutional_net_is_that_of_its_weights_at_every_position():
    block = nets.Block("none", "relu", 1.0)
    _, cost = nets.build("conv", block, [3, 8, 8], 8, 2, "flatten", 10, None)
    assert cost == 3 * 9 * 8 * 64 + 8 * 9 * 16 * 16 + 16 * 9 * 16 * 16 + 16 * 16 * 10


@pytest.mark.parametrize("split", ["look", "held-out", "table"])
def test_the_committed_results_belong_to_cells_of_today(design, split):
    expected = {one.key for one in [*design, *reports.reports()] if one.split == split}
    kept = records.Records(ROOT / "examples" / "results" / "rates").read(split)
    assert kept
    assert {key for key, *_ in kept} <= expected


def test_a_cell_keeps_its_key_when_only_its_name_changes(design):
    one = design[0]
    assert dataclasses.replace(one, name="other", kinds={}).key == one.key
    assert dataclasses.replace(one, targets="other").key != one.key


@pytest.mark.parametrize("name", data.SETS)
def test_data_sets_are_the_same_in_every_call_and_have_finite_samples(name):
    x, y = data.SETS[name]()
    again, _ = data.SETS[name]()
    assert np.array_equal(x, again)
    assert len(x) == len(y)
    assert np.isfinite(x).all()


def test_statistics_of_data_with_one_direction_have_all_of_the_share_in_it():
    x = np.outer(np.arange(1.0, 9.0), np.ones(3)).astype(np.float32)
    found = data.describe(data.Dataset("line", x, np.full((8, 2), 3.0, dtype=np.float32)))
    assert found["top_share"] == pytest.approx(1.0)
    assert found["centred_share"] == pytest.approx(1.0)
    assert found["target_scale"] == pytest.approx(math.sqrt(18.0), rel=1e-3)


def test_records_are_found_again_and_a_line_that_was_cut_off_is_not(tmp_path):
    kept = records.Records(tmp_path)
    one = cell({"name": "sgd"}, design=None)
    kept.add(one, {"seed": 0})
    kept.add(one, {"seed": 1, "rate": 0.5}, "recommended")
    with (tmp_path / "table.jsonl").open("a") as file:
        file.write('{"key": "cut')
    assert set(kept.read("table")) == {(one.key, 0)}
    assert set(kept.read("table", "recommended")) == {(one.key, 1, 0.5)}
    assert kept.read("look") == {}


def test_a_prediction_is_told_the_statistics_that_a_spec_has_a_field_for():
    record = {
        "spec": SINGLE,
        "name": "n",
        "samples": 256,
        "data": "single",
        "targets": "raw",
        "statistics": {"mean_square": 4.0, "unheard_of": 1.0},
    }
    assert predicting.stated(record)["input"] == {"shape": [1], "mean_square": 4.0}
    assert predicting.predicted(record).maximum == pytest.approx(MARGIN[True] * 3.8 / 8.0, rel=1e-3)


def test_what_is_refused_has_no_rates_and_a_reason():
    spec = {**SINGLE, "training": {**SINGLE["training"], "optimizer": {"name": "unheard_of"}}}
    about = {"name": "n", "samples": None, "data": "single", "targets": "raw", "statistics": {}}
    rates = predicting.predicted({"spec": spec, **about})
    assert (rates.maximum, rates.recommended) == (None, None)
    assert "unheard_of" in rates.reason


def test_the_command_measures_what_is_missing_and_writes_the_table(tmp_path, monkeypatch, capsys):
    made = [cell({"name": "sgd"}), cell({"name": "sgd", "momentum": 0.5}, design=None)]
    monkeypatch.setattr(main, "design", lambda *fresh: [] if fresh else made[:1])
    monkeypatch.setattr(main, "reports", lambda: made[1:])
    (tmp_path / "README.md").write_text("# Title\n\n<!-- rates:begin -->\nold\n<!-- rates:end -->\n\nAfter.\n")
    main.main(["--recommend"], tmp_path)
    text = (tmp_path / "README.md").read_text()
    assert "old" not in text
    assert text.startswith("# Title")
    assert text.endswith("After.\n")
    assert f"| {made[0].split} | 1 (2 runs) | 0 runs |" in text
    capsys.readouterr()
    main.main([], tmp_path)
    assert not capsys.readouterr().err
    lines = (tmp_path / "results" / "rates" / "table.jsonl").read_text().splitlines()
    assert [json.loads(line)["seed"] for line in lines] == [0, 1]
