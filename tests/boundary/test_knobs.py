from __future__ import annotations

import pytest

from lrbound.empirical.knobs import knob_path, parse_rates, parse_sweep


@pytest.mark.parametrize(
    ("knob", "path"),
    [
        ("gamma", "layers.*.gamma"),
        ("momentum", "training.optimizer.momentum"),
        ("weight_variance", "init.weight_variance"),
        ("layers.0.linear.features", "layers.0.linear.features"),
    ],
)
def test_a_bare_name_stands_for_a_path(knob, path):
    assert knob_path(knob) == path


def test_a_range_has_equal_ratios():
    assert parse_sweep("gamma=0.25:4:5") == ("gamma", (0.25, 0.5, 1.0, 2.0, 4.0))


def test_a_list_is_sorted_and_may_hold_zero():
    assert parse_sweep("momentum=0.9,0") == ("momentum", (0.0, 0.9))


@pytest.mark.parametrize("text", ["gamma", "=1,2", "gamma=", "gamma=1:2", "gamma=0:1:3", "gamma=2:1:3", "gamma=1:2:1",
                                  "gamma=a,b", "gamma=nan", "gamma=1:inf:3"])  # fmt: skip
def test_bad_sweeps_are_refused(text):
    with pytest.raises(ValueError, match=r"LOW|finite|COUNT"):
        parse_sweep(text)


def test_rates_are_positive():
    with pytest.raises(ValueError, match="not positive"):
        parse_rates("0,1")
