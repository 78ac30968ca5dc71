from __future__ import annotations

import math

import pytest

from lrbound.empirical.divergence import Judge

JUDGE = Judge(initial=1.0, constant=0.5)
FALLS = [1.0 / step for step in range(1, 101)]


@pytest.mark.parametrize("bad", [math.nan, math.inf, 1.1e6])
def test_a_hopeless_step_is_an_explosion_wherever_it_is(bad):
    assert JUDGE.hopeless(bad)
    assert JUDGE.exploded([1.0, bad, *FALLS])
    assert JUDGE.diverged([1.0, bad, *FALLS])


def test_a_loss_that_falls_has_not_diverged():
    assert not JUDGE.diverged(FALLS)
    assert not JUDGE.grew(FALLS)


def test_an_overshoot_that_comes_back_is_no_divergence_but_is_the_onset():
    losses = [1.0, 5.0, 30.0, 5.0, *FALLS]

    assert not JUDGE.diverged(losses)
    assert JUDGE.grew(losses)


def test_growth_after_the_first_steps_is_no_onset():
    assert not JUDGE.grew([1.0] * 20 + [3.0])


def test_a_loss_that_ends_high_has_exploded():
    assert JUDGE.exploded([1.0] * 50 + [2.1] * 50)


def test_one_bad_batch_at_the_end_decides_nothing():
    assert not JUDGE.diverged([*FALLS, 40.0])


def test_a_network_that_forgets_everything_has_collapsed():
    losses = [1.0, 9.0, *([0.5] * 98)]

    assert JUDGE.collapsed(losses)
    assert JUDGE.diverged(losses)
    assert not JUDGE.exploded(losses)


def test_slow_training_has_not_collapsed():
    assert not JUDGE.diverged([1.0 - step / 1000 for step in range(100)])
