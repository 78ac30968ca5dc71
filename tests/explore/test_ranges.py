from __future__ import annotations

import pytest

from lrbound.explore.knobs import split_vary, text
from lrbound.explore.ranges import MOST, Range, parse_bounds, parse_range


def test_positive_ends_have_equal_ratios():
    span = parse_range("0.1:10:5")

    assert span.spacing == "log"
    assert span.values == pytest.approx((0.1, 10**-0.5, 1.0, 10**0.5, 10.0), rel=1e-14)
    assert (span.values[0], span.values[-1]) == (0.1, 10.0)


@pytest.mark.parametrize("form", ["lin:0.5:0.9:5", "lin: 0.5:0.9:5"])
def test_lin_has_equal_steps(form):
    assert parse_range(form).values == pytest.approx((0.5, 0.6, 0.7, 0.8, 0.9), rel=1e-15)


def test_an_end_that_is_not_positive_means_equal_steps():
    assert parse_range("-1:1:3") == Range((-1.0, 0.0, 1.0), "lin")


def test_a_list_keeps_its_order_and_its_words():
    assert parse_range("64, 32,full,64") == Range((64, 32, "full"))


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ("1:2", "'1:2' is not LOW:HIGH:COUNT, such as 0.1:5:50, or values with commas between them"),
        ("a:2:3", "'a:2:3' is not LOW:HIGH:COUNT, such as 0.1:5:50, or values with commas between them"),
        ("", "'' is not LOW:HIGH:COUNT, such as 0.1:5:50, or values with commas between them"),
        ("1,,2", "'1,,2' is not LOW:HIGH:COUNT, such as 0.1:5:50, or values with commas between them"),
        ("1:2:1", f"'1:2:1': COUNT must be from 2 to {MOST}, got 1"),
        ("1:2:9999999", f"'1:2:9999999': COUNT must be from 2 to {MOST}, got 9999999"),
        ("2:2:5", "'2:2:5': LOW and HIGH must be finite and differ"),
        ("1:inf:5", "'1:inf:5': LOW and HIGH must be finite and differ"),
        ("log:0:1:5", "'log:0:1:5': equal ratios need a positive LOW and HIGH; write 'lin:' for equal differences"),
        ("1,nan", "'1,nan': nan is not finite"),
    ],
)
def test_what_is_no_range_says_why(form, message):
    with pytest.raises(ValueError) as caught:
        parse_range(form)

    assert str(caught.value) == message


@pytest.mark.parametrize("form", ["1", "2:1", "a:b", "1:2:3", "0:inf"])
def test_bounds_are_two_numbers(form):
    with pytest.raises(ValueError, match="LOW"):
        parse_bounds(form)


def test_vary_is_split_at_its_first_equals_sign():
    assert split_vary(" gamma = 1,2") == ("gamma", "1,2")
    with pytest.raises(ValueError, match="'gamma' is not PATH=RANGE"):
        split_vary("gamma")


@pytest.mark.parametrize(("value", "shown"), [(1.0, "1"), (0.1, "0.1"), (32, "32"), ("full", "full"), (1e-30, "1e-30")])
def test_values_are_written_as_a_spec_reads_them(value, shown):
    assert text(value) == shown
