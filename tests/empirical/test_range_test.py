"""The rules of the range test, on losses whose answer is known by hand, and the test on a quadratic."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from lrbound.empirical.divergence import Judge
from lrbound.empirical.range_test import DIVERGED, SMOOTHING, STEPS, Smoothed, range_test, rates, suggest
from lrbound.empirical.training import Descent

TRIED = rates()


def test_rates_grow_by_one_factor_from_1e_7_and_would_reach_10_in_the_next_step():
    assert len(TRIED) == STEPS
    assert TRIED[0] == pytest.approx(1e-7)
    assert TRIED[-1] * TRIED[1] / TRIED[0] == pytest.approx(10.0)


def test_minimum_is_a_tenth_of_the_rate_at_the_smallest_loss():
    losses = np.square(np.log(TRIED / TRIED[60])) + 1.0
    assert suggest(TRIED, losses).minimum == pytest.approx(TRIED[60] / 10.0)


def test_steepest_is_where_the_loss_falls_fastest_by_log_rate():
    losses = -np.tanh(np.arange(STEPS) - 50.5)  # the largest fall is from 50 to 51
    assert suggest(TRIED, losses).steepest == pytest.approx(TRIED[50])


def test_valley_is_half_way_along_the_longest_fall():
    losses = np.where(np.arange(STEPS) < 70, -np.arange(STEPS), -70.0 + np.arange(STEPS))  # falls from 0 to 70
    # seen from 10 on: 61 falling values that end at 70, so the valley begins at 9; a third and half a third of 61 are 20 and 10
    assert suggest(TRIED, losses).valley == pytest.approx(TRIED[9 + 20 + 10])


def test_valley_jumps_over_bumps_inside_a_fall():
    losses = -np.arange(STEPS, dtype=float)
    losses[30] = 5.0  # one value less in the fall, at the same end
    smooth, bumped = (suggest(TRIED, values).valley for values in (-np.arange(STEPS, dtype=float), losses))
    assert smooth == pytest.approx(TRIED[9 + 28 + 14])
    assert bumped == pytest.approx(TRIED[10 + 28 + 14])


def test_the_first_tenth_and_the_last_five_losses_are_not_seen():
    losses = np.ones(STEPS)
    losses[[5, 97]] = -1.0
    losses[40] = 0.5
    assert suggest(TRIED, losses).minimum == pytest.approx(TRIED[40] / 10.0)


def test_losses_from_the_first_nan_on_are_not_seen():
    losses = -np.arange(STEPS, dtype=float)
    losses[50] = math.nan
    assert suggest(TRIED, losses).minimum == pytest.approx(TRIED[49] / 10.0)


def test_a_test_that_ended_at_once_suggests_nothing():
    found = suggest(TRIED[:12], [1.0] * 12)
    assert (found.valley, found.steepest, found.minimum) == (None, None, None)


def test_the_smoothed_loss_of_equal_losses_is_that_loss():
    smoothed = Smoothed()
    assert not any(smoothed.add(3.0) for _ in range(10))
    assert smoothed.values == pytest.approx([3.0] * 10)


def test_smoothing_is_an_average_with_weights_that_fall_by_098():
    smoothed = Smoothed()
    for loss in (1.0, 2.0, 6.0):
        smoothed.add(loss)
    weights = np.array([SMOOTHING**2, SMOOTHING, 1.0])
    assert smoothed.values[-1] == pytest.approx(weights @ [1.0, 2.0, 6.0] / weights.sum())


def test_a_smoothed_loss_above_four_times_the_smallest_ends_the_test():
    smoothed = Smoothed()
    smoothed.add(1.0)
    assert not smoothed.add(2.0 * DIVERGED - 1.1)  # the mean of both is a little below
    assert smoothed.add(4.0 * DIVERGED)


def test_on_a_quadratic_the_smallest_loss_is_found_near_the_rate_that_just_diverges():
    x = torch.nn.Parameter(torch.ones(1))
    descent = Descent(torch.nn.Module(), lambda _: 5.0 * x.square().sum() + 1e-3, lambda: slice(None), Judge(5.0, 1.0))
    found = range_test(descent, torch.optim.SGD([x], lr=1.0))
    # curvature 10: the loss falls fastest at 0.1, grows from 0.2 on, and its average lags behind
    assert 0.02 <= 10.0 * found.minimum <= 10.0
    assert 1e-3 < found.steepest < 0.2
