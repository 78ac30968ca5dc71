"""`lrbound compare SPEC --normalizers`: the table, from the rows to the command."""

from __future__ import annotations

import json

import pytest

from lrbound import parse, predict
from lrbound.explore.normaliser_table import BATCHES, normaliser_table
from lrbound.explore.normalisers import names, split_names, with_normaliser
from lrbound.notices import short

FC = "examples/wei2019-fc.yaml"
FLAT = (
    "version: 1\nname: flat\ninput: {shape: [60]}\ninit: he\ntraining: {batch_size: 32, optimizer: {momentum: 0.5}}\n"
)
LAYERS = "layers: [{linear: 40}, {batch_norm: 2}, relu, {linear: 40}, {batch_norm: 2}, relu, {linear: 3}]"


def table(text: str, which: str = "all"):
    return normaliser_table(parse(text), split_names(which), predict, lambda _done, _all: None)


def test_rows_are_the_predictions_of_the_changed_networks():
    one = parse(FLAT + LAYERS)
    result = table(FLAT + LAYERS)
    none = predict(with_normaliser(one, "none"))

    assert [row.normalizer for row in result.rows] == ["none", *names()]
    for row in result.rows:
        if row.normalizer == "instance_norm":
            continue
        expected = predict(with_normaliser(one, row.normalizer))
        assert row.prediction.lambda_max == expected.lambda_max
        assert row.ratio == expected.max_learning_rate / none.max_learning_rate
        for at in row.rates:
            text = (FLAT + LAYERS).replace("batch_size: 32", f"batch_size: {at.batch_size}")
            assert at.max_learning_rate == predict(with_normaliser(parse(text), row.normalizer)).max_learning_rate


def test_the_row_of_its_own_normaliser_is_the_spec():
    result = table(FLAT + LAYERS, "batch")

    assert result.rows[1].prediction.layers == predict(parse(FLAT + LAYERS)).layers
    assert (
        result.rows[0].prediction.lambda_max
        == predict(parse(FLAT + LAYERS.replace("{batch_norm: 2}, ", ""))).lambda_max
    )


def test_what_is_undefined_is_a_row_with_the_reason():
    by_name = {row.normalizer: row for row in table(FLAT + LAYERS).rows}
    nowhere = by_name["instance_norm"]

    assert (nowhere.prediction, nowhere.ratio, nowhere.rates) == (None, None, ())
    assert nowhere.reason.startswith("instance_norm needs several positions")
    assert all(row.prediction for name, row in by_name.items() if name != "instance_norm")


def test_a_batch_of_one_is_undefined_at_that_batch_alone():
    row = table((FLAT + LAYERS).replace("batch_size: 32", "batch_size: 1"), "batch").rows[1]

    assert (row.prediction, row.ratio) == (None, None)
    assert row.reason.startswith("batch_norm over 1 sample has at most 2 degrees of freedom")
    assert [at.batch_size for at in row.rates] == list(BATCHES)
    assert all(at.max_learning_rate > 0 and at.reason is None for at in row.rates)


def test_a_net_without_normalisers_says_where_they_stand():
    without = table(FLAT + LAYERS.replace("{batch_norm: 2}, ", ""), "batch")
    own = table(FLAT + LAYERS.replace("{batch_norm: 2}", "batch_norm"), "batch")

    assert without.note == "the spec has no normaliser: each one stands after every weight layer but the last"
    assert [row.ratio for row in without.rows] == [row.ratio for row in own.rows]


def test_groups_are_said():
    (_, group) = table(FLAT + LAYERS, "group").rows

    assert group.settings == "groups 5"


def test_json(lrbound):
    done = lrbound("compare", FC, "--normalizers", "layer,instance_norm,group", "--format", "json")
    found = json.loads(done.stdout)

    assert (done.returncode, done.stderr, found["schema_version"]) == (0, "", 2)
    assert (found["baseline"], [spec["name"] for spec in found["specs"]]) == (
        "none",
        ["none", "layer_norm", "group_norm"],
    )
    none, layer, instance, group = found["normalizers"]
    assert layer["ratio"] == layer["max_learning_rate"] / none["max_learning_rate"]
    assert layer["max_learning_rate"] == found["specs"][1]["max_learning_rate"]
    assert [at["batch_size"] for at in layer["batch_sizes"]] == [4, 32, 256]
    assert (group["settings"], group["reason"], layer["settings"]) == ("groups 40", None, "")
    assert (instance["lambda_max"], instance["max_learning_rate"], instance["batch_sizes"]) == (None, None, [])
    warning = next(one for one in found["warnings"] if one.get("where") == "instance_norm")
    assert (warning["code"], warning["message"]) == ("LRB061", short(instance["reason"]))
    assert all(row["why"] for row in found["normalizers"])


def test_text_golden(lrbound, golden):
    done = lrbound("compare", FC, "--normalizers", "batch,layer,instance", "--batch-size", "1")

    assert (done.returncode, done.stderr) == (0, "")
    golden("normalizers.txt", done.stdout)


@pytest.mark.parametrize("kind", ["none", *names()])
def test_every_row_of_an_image_net_has_its_reason_or_its_numbers(kind):
    text = FLAT.replace("[60]", "[3, 6, 6]") + LAYERS.replace(
        "{linear: 40}", "{conv2d: {channels: 16, kernel: 3, padding: 1}}"
    )
    row = table(text.replace("{linear: 3}", "global_avg_pool, {linear: 3}"), kind).rows[-1]

    assert row.reason is None
    assert row.ratio > 0
    assert all(at.max_learning_rate > 0 for at in row.rates)
