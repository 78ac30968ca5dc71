from __future__ import annotations

import numpy as np
import pytest

from lrbound.explore.chebyshev import NotSmoothError, evaluate, within

PLACES = np.linspace(-1.0, 3.0, 5001)

FUNCTIONS = {
    "polynomial": lambda x: x**3 - x,
    "entire": lambda x: np.exp(-x) * np.sin(3.0 * x),
    "pole nearby": lambda x: 1.0 / (0.01 + (x - 0.3) ** 2),
    "kink": lambda x: abs(x - 0.7123),
    "jump": lambda x: float(x > 0.7123),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_series_are_as_good_as_the_function(name):
    calls = []

    def function(x):
        calls.append(x)
        return np.array([FUNCTIONS[name](x), 1.0])

    found = within(function, PLACES, 1e-11)

    exact = np.array([FUNCTIONS[name](x) for x in PLACES])
    assert np.abs(found[:, 0] - exact).max() < 1e-9 * max(np.abs(exact).max(), 1.0)
    assert np.all(found[:, 1] == pytest.approx(1.0, abs=1e-12))
    assert len(calls) < 2000


def test_few_places_are_evaluated_one_by_one():
    assert within(lambda x: np.array([x]), PLACES[:7], 1e-11)[:, 0].tolist() == PLACES[:7].tolist()


def test_noise_is_evaluated_one_by_one():
    table = dict(zip(PLACES.tolist(), np.random.default_rng(0).standard_normal(len(PLACES)).tolist(), strict=True))
    found = within(lambda x: np.array([table.get(x, 0.5)]), PLACES, 1e-11)

    assert found[:, 0].tolist() == list(table.values())


def test_noise_is_given_up():
    rng = np.random.default_rng(0)

    with pytest.raises(NotSmoothError):
        evaluate(lambda _: rng.standard_normal(1), PLACES)


def test_small_steps_have_the_larger_tolerance():
    found, tolerance = evaluate(lambda x: np.array([np.exp(x) + 1e-8 * np.floor(1000.0 * x)]), PLACES)

    assert tolerance == 1e-6
    assert np.abs(found[:, 0] - np.exp(PLACES)).max() < 4e-5


def test_no_value_is_passed_on():
    def function(x):
        if x > 2.0:
            raise NotSmoothError
        return np.array([x])

    with pytest.raises(NotSmoothError):
        evaluate(function, PLACES)
