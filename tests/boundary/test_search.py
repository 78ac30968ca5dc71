from __future__ import annotations

import pytest

from lrbound.empirical.search import ACCURACY, REACH, Bisection


def ask(search, threshold):
    tried = []
    while (rate := search.next_rate) is not None:
        tried.append(rate)
        search.tell(above=rate > threshold)
    return tried


@pytest.mark.parametrize("threshold", [0.011, 0.3, 0.99, 1.0, 1.7, 100.0])
def test_it_finds_the_threshold_to_its_accuracy(threshold):
    search = Bisection(1.0)
    tried = ask(search, threshold)

    assert search.low <= threshold < search.high <= search.low * ACCURACY
    assert search.low < search.value < search.high
    assert len(tried) == len(set(tried)) <= 13


def test_it_gives_up_beyond_its_reach():
    search = Bisection(1.0)
    tried = ask(search, float("inf"))

    assert (search.value, search.low, max(tried)) == (None, REACH, REACH)


def test_it_gives_up_below_its_reach():
    search = Bisection(1.0)
    tried = ask(search, 0.0)

    assert (search.value, search.high, min(tried)) == (None, 1 / REACH, 1 / REACH)


def test_what_remains_is_about_right():
    search = Bisection(1.0)
    expected = search.remaining

    assert abs(len(ask(search, 1.5)) - expected) <= 1
    assert search.remaining == 0
