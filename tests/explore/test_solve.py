from __future__ import annotations

import math
from functools import cache

import pytest

import lrbound
from lrbound.explore.knobs import find_knob
from lrbound.explore.roots import find_roots
from lrbound.explore.solve import solve
from lrbound.rate.survival import MARGIN
from lrbound.spec import SpecError

predict = cache(lrbound.predict)
"""Many of the searches below look at the same networks."""
KNOBS = [
    ("wei2019-fc", "gamma", 0.37),
    ("wei2019-fc", "layers.0.repeat.layers.1.batch_norm.gamma", 0.8),
    ("wei2019-fc", "eps", 0.3),
    ("wei2019-fc", "beta", 0.7),
    ("wei2019-fc", "momentum", 0.3),
    ("wei2019-fc", "weight_decay", 3.0),
    ("wei2019-fc", "weight_variance", 0.05),
    ("wei2019-fc-no-bn", "weight_variance", 1.3),
    ("wei2019-fc-no-bn", "bias_variance", 0.2),
    ("wei2019-fc-no-bn", "mean_square", 2.0),
    ("wei2019-fc-no-bn", "correlation", 0.4),
    ("wei2019-cnn", "gamma", 1.7),
]


@pytest.fixture
def coarse(monkeypatch):
    """Look at a quarter of the places first, where a curve has one root."""
    monkeypatch.setattr("lrbound.explore.solve.SCAN", 25)


@pytest.mark.usefixtures("coarse")
@pytest.mark.parametrize(("name", "knob", "value"), KNOBS)
def test_solve_inverts_predict(source, name, knob, value):
    spec = source(name)
    path = find_knob(knob, spec).label
    rate = predict(spec.plus((path, repr(value))).network()).max_learning_rate
    found = solve(spec, knob, rate, predict)

    assert any(abs(one.value / value - 1.0) < 1e-3 for one in found.solutions)
    for one in found.solutions:
        at = lrbound.predict(spec.plus((path, repr(one.value))).network()).max_learning_rate
        assert at == pytest.approx(rate, rel=1e-6)
        assert one.max_learning_rate == pytest.approx(at, rel=1e-12)
    assert found.reason is None
    assert found.nearest is None


def test_the_side_on_which_a_rate_is_stable(source):
    (one,) = solve(source("wei2019-fc"), "gamma", 0.1, predict).solutions

    assert one.stable == "below"


@pytest.mark.usefixtures("coarse")
@pytest.mark.parametrize("knob", ["bias_variance", "mean_square", "correlation"])
@pytest.mark.parametrize("rate", [0.1, 0.017946558109419482])
def test_a_knob_without_influence_is_no_solution(source, knob, rate):
    """Batch normalisation takes away what is common to all samples, and their scale."""
    found = solve(source("wei2019-fc"), knob, rate, predict, (0.01, 0.9))

    assert found.solutions == ()
    assert found.nearest.max_learning_rate == pytest.approx(MARGIN[True] * 0.017947, rel=2e-3)
    assert found.reason.endswith("it does not depend on it")


def test_without_a_solution_there_is_a_reason_and_the_nearest(source):
    found = solve(source("wei2019-fc"), "gamma", 100.0, predict)

    assert found.solutions == ()
    assert found.nearest.value == 0.001
    assert found.reason.startswith(
        "the largest stable rate stays below 100 for all layers.*.gamma from 0.001 to 1000; the nearest is "
    )


@pytest.mark.parametrize("rate", [0.004, 0.015])
def test_a_whole_number_is_the_last_on_the_stable_side(source, rate):
    fc = source("wei2019-fc")
    (one,) = solve(fc, "batch_size", rate, predict).solutions

    def largest(batch):
        return predict(fc.plus(("training.batch_size", str(batch))).network()).max_learning_rate

    assert isinstance(one.value, int)
    assert one.stable == "above"
    assert largest(one.value) >= rate > largest(one.value - 1)


@pytest.mark.usefixtures("coarse")
def test_a_depth_is_looked_for_among_networks_that_can_be_computed(source):
    found = solve(source("wei2019-fc-no-bn"), "depth", 0.001, predict)

    assert found.span == (1.0, 128)
    assert [one.stable for one in found.solutions] == ["below"]


def test_more_than_one_root(source):
    fc = source("wei2019-fc")
    rates = [
        predict(fc.plus(("training.optimizer.momentum", repr(mu))).network()).max_learning_rate for mu in (0.0, 0.77)
    ]
    assert rates[0] < rates[1]
    rate = math.sqrt(rates[0] * rates[1])
    found = solve(fc, "momentum", rate, predict)

    assert [one.stable for one in found.solutions] == ["above", "below"]


@pytest.mark.parametrize("knob", ["gama", "layers.7.linear.features", "init", "a..b"])
def test_what_is_no_knob_is_an_error(source, knob):
    with pytest.raises(SpecError, match="--vary"):
        solve(source("wei2019-fc"), knob, 0.1, predict)


PLACES = [0.1 * k for k in range(1, 101)]
CURVES = {
    "two in one step": (lambda x: (x - 3.04) * (x - 3.06), [3.04, 3.06], ["below", "above"]),
    "touching at a place": (lambda x: -((x - PLACES[40]) ** 2), [PLACES[40]], ["neither"]),
    "none": (lambda x: 1.0 + (x - 3.0) ** 2, [], []),
    "many": (lambda x: math.sin(3.0 * x), [k * math.pi / 3.0 for k in range(1, 10)], None),
    "flat with noise": (lambda x: 1.0 + 1e-15 * math.sin(1e6 * x), [], []),
    "a gap": (lambda x: math.nan if x < 2.0 else x - 5.0123, [5.0123], ["above"]),
}


@pytest.mark.parametrize("name", CURVES)
def test_roots_of_curves(name):
    curve, expected, sides = CURVES[name]
    calls = []
    found = find_roots(lambda x: (calls.append(x), curve(x))[1], PLACES, logarithmic=True, integers=False)

    assert [root.value for root in found.roots] == pytest.approx(expected, rel=1e-9)
    assert sides is None or [root.stable for root in found.roots] == sides
    assert (found.nearest is None) == bool(expected)


def test_the_nearest_is_a_turning_point():
    found = find_roots(lambda x: 1.0 + (x - 3.0123) ** 2, PLACES, logarithmic=False, integers=False)

    assert found.nearest == pytest.approx(3.0123, rel=1e-4)


def test_a_curve_without_values_has_no_nearest():
    assert find_roots(lambda _: math.nan, PLACES, logarithmic=True, integers=False).nearest is None
