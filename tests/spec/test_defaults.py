"""Values for what a spec does not say, and blocks that nobody reads."""

from __future__ import annotations

import jsonschema
import pytest
import yaml

from lrbound.spec import SpecError, parse
from lrbound.spec.schema import schema

HEAD = "version: 1\ninput: {shape: [30]}\n"
TAIL = "layers: [{linear: 300}, relu, {linear: 10}]\n"
MSE = ("training.loss", '"mse"', "a.toml: loss")


@pytest.mark.parametrize(
    "training", ["", "training: {}\n", "training: {batch_size: 8}\n", "training: ~\n", "training: {loss: ~}\n"]
)
def test_a_default_holds_where_the_spec_says_nothing(training):
    assert parse(HEAD + training + TAIL, defaults=[MSE]).training.loss.kind == "mse"


def test_what_the_spec_says_wins_over_a_default_and_an_option_over_both():
    text = HEAD + "training: {loss: cross_entropy}\n" + TAIL

    assert parse(text, defaults=[MSE]).training.loss.kind == "cross_entropy"
    both = parse(HEAD + TAIL, defaults=[MSE], overrides=[("training.loss", "cross_entropy")])
    assert both.training.loss.kind == "cross_entropy"


def test_a_wrong_default_is_told_under_its_own_name():
    with pytest.raises(SpecError, match=r"^a\.toml: loss: unknown loss 'huber9'"):
        parse(HEAD + TAIL, defaults=[("training.loss", "huber9", "a.toml: loss")])


def test_blocks_that_begin_with_x_are_free_for_anchors():
    text = "x-block: &block {linear: 300}\nx-any: [1, {a: b}]\n" + HEAD + "layers: [*block, relu, {linear: 10}]\n"

    assert parse(text).parameters == 30 * 300 + 300 + 300 * 10 + 10
    jsonschema.validate(yaml.safe_load(text), schema())


@pytest.mark.parametrize("key", ["xblock", "X-block", "notes"])
def test_other_keys_are_errors(key):
    with pytest.raises(SpecError, match=f"unknown key '{key}'"):
        parse(f"{key}: 1\n" + HEAD + TAIL)
