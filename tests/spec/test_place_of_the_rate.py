from __future__ import annotations

import pytest

from lrbound import parse

BODY = "version: 1\ninput: {shape: [8]}\nlayers: [{linear: 3}]\n"


@pytest.mark.parametrize(
    ("training", "place"),
    [
        ("training: {optimizer: {momentum: 0.9, learning_rate: 0.02}}", (4, 54)),
        ("training:\n  batch_size: 8\n  optimizer:\n    learning_rate: 0.02", (7, 20)),
        ("training: {optimizer: {momentum: 0.9}}", (4, 23)),
        ("training: {optimizer: sgd}", (4, 23)),
        ("training:\n  batch_size: 8", (5, 3)),
        ("", (1, 1)),
    ],
)
def test_it_is_that_of_the_nearest_thing_that_the_spec_says(training, place):
    network = parse(BODY + training)

    assert (network.training.line, network.training.column) == place


def test_a_rate_from_the_command_line_has_no_place_of_its_own():
    network = parse(
        BODY + "training: {optimizer: {momentum: 0.9}}", overrides=[("training.optimizer.learning_rate", "0.1")]
    )

    assert (network.training.line, network.training.column) == (4, 23)


def test_the_place_makes_no_difference_to_how_it_is_trained():
    one, other = (parse(lines + BODY + "training: {batch_size: 8}").training for lines in ("", "\n"))

    assert one.line != other.line
    assert one == other
