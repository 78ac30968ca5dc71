from __future__ import annotations

import math
import time
from functools import partial

import pytest

from lrbound import predict
from lrbound.errors import Refused
from lrbound.explore.answer import shorten
from lrbound.explore.ranges import parse_range
from lrbound.explore.source import Source
from lrbound.explore.sweep import DENSE, sweep
from lrbound.spec import SpecError

RESIDUAL = """
version: 1
input: {shape: [64]}
training: {batch_size: 64}
layers: [{linear: 50}, {residual: {layers: [{linear: 50}, batch_norm, relu]}}, {linear: 5}]
"""


def errors(result, source, count=50, predict=predict):
    """Return the largest relative error of some points against predictions from a spec parsed anew."""
    step = max(len(result.points) // count, 1)
    worst = 0.0
    for point in result.points[::step]:
        overrides = [(path, repr(value)) for path, value in zip(result.knobs, point.values, strict=True)]
        expected = shorten(predict(source.plus(*overrides).network()))
        worst = max([worst, *(abs(a / b - 1.0) for a, b in zip(point.answer, expected, strict=True))])
    return worst


def test_fifty_points_are_fifty_predictions(source):
    fc = source("wei2019-fc")
    result = sweep([fc], [("gamma", parse_range("0.1:5:50"))], predict)

    assert result.knobs == ("layers.*.gamma",)
    assert len(result.points) == 50
    assert errors(result, fc) < 1e-9


@pytest.mark.parametrize(
    ("name", "knob", "values"),
    [
        ("wei2019-fc", "gamma", "0.1:5:5000"),
        ("wei2019-fc", "correlation", "0:0.99:3000"),
        ("wei2019-fc", "momentum", "0:0.99:3000"),
        ("wei2019-fc", "mean_square", "0.1:10:3000"),
        ("wei2019-fc-no-bn", "weight_variance", "0.5:4:3000"),
        ("wei2019-fc-no-bn", "bias_variance", "0:2:3000"),
        ("wei2019-cnn", "gamma", "0.1:5:3000"),
    ],
)
def test_many_points_are_predictions_too(source, name, knob, values):
    spec, published = source(name), partial(predict, method="wei2019")
    calls = []
    result = sweep([spec], [(knob, parse_range(values))], lambda net: (calls.append(1), published(net))[1])

    assert len(result.points) >= DENSE
    assert len(calls) < 400
    assert errors(result, spec, 30, published) < 1e-8


def test_a_hundred_thousand_gammas_take_less_than_a_second(source):
    fc = source("wei2019-fc")
    spent, calls = [], []

    def timed(network):
        begin = time.process_time()
        prediction = predict(network)
        spent.append(time.process_time() - begin)
        calls.append(network)
        return prediction

    result = sweep([fc], [("gamma", parse_range("0.1:5:100000"))], timed)

    assert len(result.points) == 100_000
    assert len(calls) < 300
    assert sum(spent) < 1.0 or len(calls) < 150  # about 0.7 s where one prediction takes 8 ms
    assert errors(result, fc, 40) < 1e-8


def test_a_kink_costs_evaluations_and_no_accuracy(source):
    fc, published = source("wei2019-fc"), partial(predict, method="wei2019")

    def kinked(network):
        from dataclasses import replace

        prediction = published(network)
        return replace(prediction, lambda_max=max(prediction.lambda_max, 200.0))

    result = sweep([fc], [("gamma", parse_range("0.5:2:2000"))], kinked)
    expected = [max(published(fc.plus(("layers.*.gamma", repr(p.values[0]))).network()).lambda_max, 200.0)
                for p in result.points[::40]]  # fmt: skip

    assert [point.answer.lambda_max for point in result.points[::40]] == pytest.approx(expected, rel=1e-8)


def test_a_structural_knob_costs_one_prediction_a_value(source):
    calls = []
    result = sweep(
        [source("wei2019-fc")], [("width", parse_range("100:1000:4"))], lambda net: (calls.append(1), predict(net))[1]
    )

    assert [point.values[0] for point in result.points] == [100, 215, 464, 1000]
    assert all(isinstance(point.values[0], int) for point in result.points)
    assert len(calls) == 4


def test_width_leaves_the_outputs_alone(source):
    (point,) = sweep([source("wei2019-cnn")], [("width", parse_range("16"))], predict).points
    widths = [
        ("layers.0.conv2d.channels", "16"),
        ("layers.3.conv2d.channels", "16"),
        ("layers.6.conv2d.channels", "16"),
    ]

    assert point.answer == shorten(predict(source("wei2019-cnn", *widths).network()))


def test_depth_is_the_times_of_a_repeat(source):
    result = sweep([source("wei2019-fc")], [("depth", parse_range("1,2,4"))], predict)

    assert errors(result, source("wei2019-fc")) == 0.0


def test_words_are_values(source):
    result = sweep([source("wei2019-fc")], [("batch_size", parse_range("64,full"))], predict)

    assert [point.values for point in result.points] == [(64,), ("full",)]
    assert result.points[1].answer == shorten(predict(source("wei2019-fc", ("training.batch_size", "full")).network()))


def test_two_knobs_make_a_grid_and_the_first_is_fastest(source):
    fc = source("wei2019-fc")
    result = sweep([fc], [("gamma", parse_range("0.5:2:3")), ("depth", parse_range("1,3"))], predict)

    assert [point.values for point in result.points] == [(g, d) for d in (1, 3) for g in (0.5, 1.0, 2.0)]
    assert errors(result, fc) < 1e-12
    assert [key for key, _ in result.lines().items()] == [("wei2019-fc", 1), ("wei2019-fc", 3)]


def test_another_spec_without_the_knob_stays_as_it_is(source):
    result = sweep([source("wei2019-fc"), source("wei2019-fc-no-bn")], [("gamma", parse_range("0.5:2:3"))], predict)
    flat = {point.answer for point in result.points if point.spec == "wei2019-fc-no-bn"}

    assert flat == {shorten(predict(source("wei2019-fc-no-bn").network()))}
    assert "LRB062 wei2019-fc-no-bn: there is no gamma: it is the same at all values" in map(str, result.warnings)


def test_the_first_spec_must_have_the_knob(source):
    with pytest.raises(SpecError, match=r"--vary layers\.\*\.gamma=0.5: nothing in the spec matches this path"):
        sweep([source("wei2019-fc-no-bn")], [("gamma", parse_range("0.5:2:3"))], predict)


def test_equal_names_are_told_apart(source):
    other = Source(source("wei2019-fc").text, "b.yaml", "b", (("training.batch_size", "full"),))
    result = sweep([source("wei2019-fc"), other], [("gamma", parse_range("1,2"))], predict)

    assert result.specs == ("wei2019-fc", "b")


def test_where_the_theory_refuses_there_are_no_numbers_and_a_reason(source):
    result = sweep([source("wei2019-fc")], [("batch_size", parse_range("2,128"))], predict)

    assert result.points[0].answer == (None, None, None)
    assert result.points[1].answer.lambda_max > 0
    assert any(str(text).startswith("LRB061 training.batch_size=2: no prediction: ") for text in result.warnings)


def test_a_refusal_in_a_long_range_falls_back_to_single_points(source):
    published = partial(predict, method="wei2019")

    def partly(network):
        if network.training.optimizer.momentum > 0.5:
            raise Refused("too much")
        return published(network)

    result = sweep([source("wei2019-fc")], [("momentum", parse_range("0:0.9:401"))], partly)

    assert sum(point.answer.lambda_max is None for point in result.points) == 178
    assert result.points[0].answer == shorten(
        published(source("wei2019-fc", ("training.optimizer.momentum", "0")).network())
    )


def test_knobs_reach_into_residual_blocks():
    block = Source(RESIDUAL)
    result = sweep([block], [("gamma", parse_range("0.5:2:3"))], predict)

    assert errors(result, block) == 0.0
    assert len({point.answer.lambda_max for point in result.points}) == 3


def test_a_value_that_the_spec_cannot_have_is_an_error(source):
    with pytest.raises(SpecError, match="'momentum' must be a number in"):
        sweep([source("wei2019-fc")], [("momentum", parse_range("0:1:3"))], predict)


def test_progress_reaches_its_end(source):
    seen = []
    sweep([source("wei2019-fc")], [("gamma", parse_range("1,2")), ("depth", parse_range("1,2"))], predict,
          lambda *now: seen.append(now))  # fmt: skip

    assert seen == [(2, 4), (4, 4)]


def test_warnings_are_said_once_with_their_place(source):
    result = sweep([source("wei2019-fc")], [("depth", parse_range("3,5,8"))], predict)
    doubts = [text for text in result.warnings if "orthogonal" in text.message]

    assert len(doubts) <= 1
    assert not any("lambda_max_interval" in text.message for text in result.warnings)
    assert not math.isnan(sum(point.answer.lambda_max for point in result.points))
