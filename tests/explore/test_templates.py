from __future__ import annotations

import pytest

from lrbound import parse, predict
from lrbound.templates import names, norm_lines, normalizers, render

SMALL = {"width": 8, "depth": 2, "classes": 3}


@pytest.mark.parametrize("template", names())
@pytest.mark.parametrize("normalizer", ["batch", "none"])
def test_templates_can_be_predicted(template, normalizer):
    network = parse(render(template, normalizer=normalizer, **SMALL))

    assert network.outputs == 3
    assert predict(network).max_learning_rate > 0
    assert any(node.layer.kind == "batch_norm" for node, _ in network.unrolled()) == (normalizer == "batch")


@pytest.mark.parametrize("normalizer", normalizers())
def test_every_normalizer_fits_some_template(normalizer):
    fits = 0
    for template in names():
        try:
            fits += bool(parse(render(template, normalizer=normalizer)))
        except ValueError as error:
            assert str(error).startswith(f"{template} with the normalizer {normalizer!r} is no network: ")  # noqa: PT017
    assert fits


@pytest.mark.parametrize("template", names())
@pytest.mark.parametrize(("knob", "more"), [("width", 16), ("depth", 3)])
def test_width_and_depth_add_parameters(template, knob, more):
    small = parse(render(template, **SMALL)).parameters
    large = parse(render(template, **{**SMALL, knob: more})).parameters

    assert large > small


def test_resnet18_is_resnet18():
    if "resnet18" not in names():
        pytest.skip("no residual blocks yet")
    network = parse(render("resnet18", classes=10))

    assert network.parameters == 11_173_962  # the usual CIFAR-10 variant, with a bias in its last layer only


def test_the_first_line_is_for_editors():
    assert render("mlp").startswith("# yaml-language-server: $schema=lrbound.schema.json\n")


def test_one_output_has_no_softmax():
    assert parse(render("mlp", classes=1)).training.loss.kind == "mse"


def test_unknown_names_list_the_known():
    with pytest.raises(ValueError, match=r"^unknown template 'rnn'; there are mlp, cnn, "):
        render("rnn")
    with pytest.raises(ValueError, match=r"^unknown normalizer 'qqq'; there are .*\bbatch, "):
        render("mlp", normalizer="qqq")
    with pytest.raises(ValueError, match=r"^unknown normalizer 'bach'; did you mean 'batch'\?$"):
        render("mlp", normalizer="bach")


def test_a_proxy_has_no_place_in_a_template():
    with pytest.raises(ValueError, match=r"^proxy_norm stands in the place of an activation"):
        render("mlp", normalizer="proxy")


def test_names_of_normalizers_may_have_their_ending():
    assert render("mlp", normalizer="layer_norm") == render("mlp", normalizer="layer")


def test_no_normalizer_has_no_line():
    assert norm_lines("none") == []
