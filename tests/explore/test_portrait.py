"""A network along its knobs: each point is what predict says of the network there."""

from __future__ import annotations

import pytest

import lrbound
from lrbound.explore.portrait import portrait
from lrbound.explore.source import Source

DEPTHWISE = """
version: 1
input: {shape: [3, 8, 8]}
training: {batch_size: 32, optimizer: {name: sgd, momentum: 0.9, learning_rate: 0.1}}
layers:
  - conv2d: {channels: 8, kernel: 3, padding: 1}
  - batch_norm: {gamma: 0.5}
  - relu
  - conv2d: {channels: 8, kernel: 3, padding: 1, groups: 8}
  - relu
  - global_avg_pool
  - linear: 10
"""


def along(text: str) -> dict[str, dict[float, float | None]]:
    whole = portrait(Source(text), lrbound.predict, lambda *_: None)
    return {
        curve.knob: dict(zip(curve.values, (answer.max_learning_rate for answer in curve.answers), strict=True))
        for curve in whole.curves
    }


@pytest.mark.parametrize(
    ("knob", "value", "old", "new"),
    [
        ("batch size", 64, "batch_size: 32", "batch_size: 64"),
        ("momentum", 0.5, "momentum: 0.9", "momentum: 0.5"),
        ("gamma of all normalisers", 2.0, "gamma: 0.5", "gamma: 2.0"),
        (
            "width, times that of the spec",
            2.0,
            "8, kernel: 3, padding: 1, groups: 8",
            "16, kernel: 3, padding: 1, groups: 16",
        ),
    ],
)
def test_each_point_is_the_network_written_out(knob, value, old, new):
    text = DEPTHWISE.replace(old, new)
    if "groups" in new:
        text = text.replace("channels: 8,", "channels: 16,")

    expected = lrbound.predict(lrbound.parse(text)).max_learning_rate

    assert along(DEPTHWISE)[knob][value] == pytest.approx(expected, rel=1e-12)


def test_knobs_that_a_network_lacks_are_left_out():
    plain = DEPTHWISE.replace("  - batch_norm: {gamma: 0.5}\n", "").replace("name: sgd, momentum: 0.9", "name: adam")

    assert set(along(plain)) == {"batch size", "width, times that of the spec"}


def test_values_that_a_network_cannot_have_are_gaps():
    grouped = DEPTHWISE.replace("batch_norm: {gamma: 0.5}", "group_norm: 8").replace(", groups: 8", "")

    found = along(grouped)["width, times that of the spec"]

    assert found[0.25] is None
    assert found[0.5] is None
    assert found[2.0] is not None
