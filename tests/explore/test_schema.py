from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest

from lrbound.layers import LAYERS
from lrbound.spec import SpecError, parse
from lrbound.spec.compose import compose
from lrbound.spec.diagnostics import Problems
from lrbound.spec.scalars import resolve
from lrbound.spec.schema import schema
from lrbound.spec.tree import ListValue, MapValue, Scalar
from lrbound.templates import names, normalizers, render

ROOT = Path(__file__).parents[2]
SPECS = sorted([*ROOT.glob("examples/**/*.yaml"), *ROOT.glob("tests/reference/specs/*.yaml")])
REFUSALS = (ROOT / "tests/spec/refusals.txt").read_text()


def data(text: str):
    """Return what an editor sees: the document as plain data, by YAML 1.2's rules."""

    def plain(value):
        if isinstance(value, Scalar):
            return resolve(value)
        if isinstance(value, ListValue):
            return [plain(item) for item in value.values]
        assert isinstance(value, MapValue)
        return {key: plain(entry.value) for key, entry in value.entries.items()}

    return plain(compose(text, Problems("test", text)))


@pytest.fixture(scope="module")
def validator():
    cls = jsonschema.Draft202012Validator
    cls.check_schema(schema())
    return cls(schema())


def parses(text: str) -> bool:
    try:
        parse(text)
    except SpecError:
        return False
    return True


def test_there_are_specs():
    assert len(SPECS) > 30


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_what_the_parser_reads_is_valid(validator, path):
    text = path.read_text()

    assert validator.is_valid(data(text)) or not parses(text)


@pytest.mark.parametrize("template", names())
def test_templates_are_valid(validator, template):
    for normalizer in normalizers():
        try:
            text = render(template, normalizer=normalizer)
        except ValueError:  # a normaliser of images
            continue
        assert validator.is_valid(data(text))


HEAD = "version: 1\ninput: {shape: [8]}\n"
LAYER_FORMS = [
    "relu",
    "{relu: null}",
    "{linear: 3}",
    "{linear: {features: 3, bias: false, init: he}}",
    "{linear: {features: 3, init: null}}",
    "{batch_norm: 0.5}",
    "{batch_norm: {gamma: -1, eps: 1e-3}}",
    "{repeat: {times: 2, layers: [relu, {linear: 8}]}}",
    "{dropout: 0.3}",
]
GOOD = [
    *(f"{HEAD}layers: [{form}, {{linear: 3}}]" for form in LAYER_FORMS),
    f"{HEAD}layers: [{{linear: 3}}]\ntraining:\ninit:\n",
    f"{HEAD}layers: [{{linear: 3}}]\ntraining: {{optimizer: sgd, batch_size: full, loss: mse}}",
    f"{HEAD}layers: [{{linear: 3}}]\ntraining: {{optimizer: {{momentum: 0.5}}, batch_size: 3}}",
    f"{HEAD}layers: [{{linear: 3}}]\ninit: {{weight_variance: 2, bias_variance: 0}}",
]
BAD = [
    "version: 2\ninput: {shape: [8]}\nlayers: [{linear: 3}]",
    "input: {shape: [8]}\nlayers: [{linear: 3}]",
    "version: 1\nlayers: [{linear: 3}]",
    "version: 1\ninput: {shape: [8]}",
    "version: 1\ninput: {shape: [8, 8, 8, 8]}\nlayers: [{linear: 3}]",
    "version: 1\ninput: {shape: [0]}\nlayers: [{linear: 3}]",
    "version: 1\ninput: {shape: [8], mean_square: 0}\nlayers: [{linear: 3}]",
    "version: 1\ninput: {shape: [8], correlation: 1.5}\nlayers: [{linear: 3}]",
    f"{HEAD}layers: []",
    f"{HEAD}layer: [relu]\nlayers: [{{linear: 3}}]",
    f"{HEAD}layers: [linear]",
    f"{HEAD}layers: [{{linear: 0}}]",
    f"{HEAD}layers: [{{linear: 2.5}}]",
    f"{HEAD}layers: [{{linear: {{feature: 3}}}}]",
    f"{HEAD}layers: [{{linear: 3, relu: null}}]",
    f"{HEAD}layers: [batchnorm, {{linear: 3}}]",
    f"{HEAD}layers: [{{relu: 3}}, {{linear: 3}}]",
    f"{HEAD}layers: [{{batch_norm: {{eps: -1}}}}, {{linear: 3}}]",
    f"{HEAD}layers: [{{batch_norm: {{learnable: 1}}}}, {{linear: 3}}]",
    f"{HEAD}layers: [{{dropout: 1}}, {{linear: 3}}]",
    f"{HEAD}layers: [{{repeat: {{times: 0, layers: [relu]}}}}, {{linear: 3}}]",
    f"{HEAD}layers: [{{repeat: {{times: 2, layers: []}}}}, {{linear: 3}}]",
    f"{HEAD}layers: [{{conv2d: {{channels: 3, kernel: 3, padding_mode: mirror}}}}]",
    f"{HEAD}layers: [{{linear: 3}}]\ninit: kaiming",
    f"{HEAD}layers: [{{linear: 3}}]\ninit: {{bias_variance: 1}}",
    f"{HEAD}layers: [{{linear: 3}}]\ntraining: {{loss: hinge}}",
    f"{HEAD}layers: [{{linear: 3}}]\ntraining: {{batch_size: 0}}",
    f"{HEAD}layers: [{{linear: 3}}]\ntraining: {{batch_size: half}}",
    f"{HEAD}layers: [{{linear: 3}}]\ntraining: {{optimizer: {{momentum: 1}}}}",
    f"{HEAD}layers: [{{linear: 3}}]\ntraining: {{optimizer: {{name: sgd, lr: 1}}}}",
]


@pytest.mark.parametrize("text", GOOD)
def test_good_specs_are_valid_and_parse(validator, text):
    assert parses(text)
    assert validator.is_valid(data(text))


@pytest.mark.parametrize("text", BAD)
def test_broken_specs_are_invalid_and_do_not_parse(validator, text):
    assert not parses(text)
    assert not validator.is_valid(data(text))


def test_every_layer_and_its_arguments_are_documented():
    made = schema()["$defs"]
    for name in LAYERS.names():
        assert made["layer"]["anyOf"][1]["properties"][name]["description"]
        forms = made[f"layer-{name}"]
        arguments = forms if "properties" in forms else forms["anyOf"][0]
        assert all("description" in field or "anyOf" in field for field in arguments["properties"].values())


def test_what_is_invalid_is_refused(validator):
    """The schema is never stricter than the parser: all that it calls invalid, the parser refuses."""
    checked = 0
    for case in REFUSALS.split("\n=== "):
        text = case.partition("\n")[2].partition("--->")[0]
        problems = Problems("test", text)
        if compose(text, problems) is None or problems:
            continue
        checked += 1
        assert validator.is_valid(data(text)) or not parses(text)
    assert checked > 20
