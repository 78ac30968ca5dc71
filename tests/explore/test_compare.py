from __future__ import annotations

import math

import pytest

from lrbound import parse, predict
from lrbound.errors import Refused
from lrbound.explore.compare import compare
from lrbound.explore.differences import describe, differences, merge

HEAD = "version: 1\ninput: {shape: [30]}\ntraining: {batch_size: 64}\n"


def net(layers: str, head: str = HEAD, name: str = "net"):
    return parse(f"{head}layers: [{layers}]\n", name=name)


def test_equal_networks_have_no_differences():
    one, other = net("{linear: 20}, relu, {linear: 3}"), net("\n  {linear: 20},\n  relu, {linear: {features: 3}}")

    assert differences(one, other) == []
    contrast = compare([one, other], predict).contrasts[0]
    assert (contrast.rate_ratio, contrast.effects, contrast.parts) == (1.0, (), ())


def test_fields_and_layers_that_differ_are_found():
    one = net("{linear: 20}, {batch_norm: {gamma: 2}}, relu, {linear: 3}")
    other = net("{linear: 40}, relu, {linear: 3}", HEAD.replace("64", "full") + "init: he\n")

    found = [(d.path, d.what, d.before, d.after) for d in differences(one, other)]
    assert found == [
        ("init", "init", "pytorch", "he"),
        ("layers.0.linear.features", "linear.features", "20", "40"),
        ("layers.1", "layers", "batch_norm: 2", "-"),
        ("training.batch_size", "training.batch_size", "64", "full"),
    ]


def test_merging_everything_gives_the_other_network():
    one = net("{linear: 20}, {batch_norm: {gamma: 2}}, relu, {linear: 3}")
    other = net(
        "{linear: 40}, relu, {repeat: {times: 2, layers: [{linear: 40}, tanh]}}, {linear: 7}", HEAD + "init: he\n"
    )
    mixed = merge(one, other, lambda _: True)

    assert predict(mixed).lambda_max == predict(other).lambda_max
    assert mixed.output_shape == (7,)


def test_effects_of_single_changes():
    one = net("{linear: 200}, {batch_norm: {gamma: 2}}, relu, {linear: 3}")
    other = net("{linear: 200}, {batch_norm: {gamma: 1}}, relu, {linear: 3}", HEAD + "init: he\n")
    contrast = compare([one, other], predict).contrasts[0]

    alone = predict(net("{linear: 200}, batch_norm, relu, {linear: 3}")).max_learning_rate
    gamma = next(effect for effect in contrast.effects if effect.what == "batch_norm.gamma")
    assert gamma.rate_factor == pytest.approx(alone / predict(one).max_learning_rate, rel=1e-12)
    assert contrast.rate_ratio == pytest.approx(contrast.curvature_ratio * contrast.rest, rel=1e-12)


def test_the_parts_add_up_to_the_difference_of_lambda_max():
    one = net("{linear: 200}, batch_norm, relu, {linear: 3}")
    other = net("{linear: 200}, relu, {linear: 3}")
    result = compare([one, other], predict)
    change = result.predictions[1].lambda_max - result.predictions[0].lambda_max

    assert math.fsum(part.change for part in result.contrasts[0].parts) == pytest.approx(change, rel=1e-6)


def test_the_same_change_at_several_places_is_one():
    one = net("{linear: 200}, batch_norm, relu, {linear: 200}, batch_norm, relu, {linear: 3}")
    other = net("{linear: 200}, {batch_norm: 2}, relu, {linear: 200}, {batch_norm: 2}, relu, {linear: 3}")
    (effect,) = compare([one, other], predict).contrasts[0].effects

    assert effect.paths == ("layers.1.batch_norm.gamma", "layers.4.batch_norm.gamma")
    assert effect.rate_factor == pytest.approx(compare([one, other], predict).contrasts[0].rate_ratio, rel=1e-12)


def test_a_change_that_makes_no_network_alone_has_no_effect():
    image = "version: 1\ninput: {shape: [3, 8, 8]}\ntraining: {batch_size: 64}\n"
    one = net("{linear: 20}, relu, {linear: 3}")
    other = net("{conv2d: {channels: 4, kernel: 3}}, relu, flatten, {linear: 3}", image)

    effects = {effect.what: effect.rate_factor for effect in compare([one, other], predict).contrasts[0].effects}
    assert effects["input.shape"] is None


def test_a_refusal_names_the_network():
    with pytest.raises(Refused, match=r"^second: batch_norm over 1 sample"):
        compare(
            [net("{linear: 3}"), net("{linear: 3}, batch_norm, {linear: 2}", HEAD.replace("64", "1"), "second")],
            predict,
        )


def test_descriptions_read_like_a_spec():
    (node,) = net("{conv2d: {channels: 4, kernel: 3, bias: false}}, flatten, {linear: 2}",
                  "version: 1\ninput: {shape: [3, 8, 8]}\n").nodes[:1]  # fmt: skip

    assert describe(node) == "conv2d: {channels: 4, kernel: 3, bias: false}"
