"""Models as Keras' ``to_json`` writes them. The files in keras/ are those of Keras 3.15.1."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lrbound.importing.keras import read_keras
from lrbound.importing.refusal import ModelError, Untranslatable
from lrbound.importing.translate import translate

FILES = Path(__file__).parent / "keras"


def layers(text):
    lines = [line.partition("  #")[0] for line in text.splitlines() if not line.startswith("#")]
    return [line.removeprefix("  ") for line in lines[lines.index("layers:") + 1 :]]


def test_a_functional_model_becomes_branches_with_initialisations_by_name():
    translation = translate(read_keras(FILES / "functional.json"))

    assert translation.network.input.shape == (3, 32, 32)
    # model.count_params() less the moving means and variances
    assert translation.network.parameters == 3146 - 2 * 16
    assert type(translation.network.training.loss).__name__ == "CrossEntropy"
    assert layers(translation.text) == [
        "- conv2d: {channels: 16, kernel: 3, padding: 1, bias: false, init: he}",
        "- batch_norm: {eps: 0.001}",
        "- relu",
        "- residual:",
        "    layers:",
        "      - conv2d: {channels: 16, kernel: 3, padding: 1}",
        "      - relu",
        # Keras counts the fans of a depthwise kernel over all channels: 2/(9 * 17) times a fan_in of 9
        "- conv2d: {channels: 16, kernel: 3, padding: 1, groups: 16}",
        "- max_pool2d: 2",
        "- global_avg_pool",
        "- linear: 10",
    ]


def test_a_sequential_model_is_a_chain():
    translation = translate(read_keras(FILES / "sequential.json"))

    assert translation.network.parameters == 50_890
    assert layers(translation.text) == ["- flatten", "- linear: 64", "- relu", "- dropout: 0.2", "- linear: 10"]
    assert "init: xavier_uniform\n" in translation.text


def dense(name, units, activation="linear", initializer="glorot_uniform", source=None):
    config = {
        "name": name,
        "units": units,
        "activation": activation,
        "use_bias": True,
        "kernel_initializer": initializer,
        "bias_initializer": {"class_name": "Zeros", "config": {}},
    }
    nodes = [] if source is None else [[[source, 0, 0, {}]]]
    return {"class_name": "Dense", "config": config, "name": name, "inbound_nodes": nodes}


def saved(tmp_path, model):
    path = tmp_path / "model.json"
    path.write_text(json.dumps(model))
    return str(path)


def keras2(*layers):
    start = {"class_name": "InputLayer", "config": {"batch_input_shape": [None, 8], "name": "in"}, "name": "in"}
    end = [[layers[-1]["name"], 0, 0]]
    config = {"name": "old", "layers": [start, *layers], "input_layers": [["in", 0, 0]], "output_layers": end}
    return {"class_name": "Functional", "config": config, "keras_version": "2.15.0", "backend": "tensorflow"}


def test_a_file_of_keras_2_is_read_as_one_of_keras_3(tmp_path):
    scaled = {"class_name": "VarianceScaling", "config": {"scale": 2.0, "mode": "fan_out", "distribution": "uniform"}}
    model = keras2(dense("a", 20, "swish", source="in"), dense("b", 3, initializer=scaled, source="a"))

    translation = translate(read_keras(saved(tmp_path, model)))

    assert layers(translation.text) == [
        "- linear: 20",
        "- silu",
        "- linear: {features: 3, init: {kaiming_uniform: {mode: fan_out}}}",
    ]


def test_constant_biases_have_their_mean(tmp_path):
    constant = dense("a", 20, source="in")
    constant["config"]["bias_initializer"] = {"class_name": "Constant", "config": {"value": 0.1}}

    network = translate(read_keras(saved(tmp_path, keras2(constant, dense("b", 3, source="a"))))).network

    assert [(node.layer.init or network.init).bias_mean for node in network.nodes] == [0.1, 0.0]


def test_what_keras_has_and_a_spec_has_not_is_named(tmp_path):
    known = dense("b", 20, source="a")
    recurrent = {"class_name": "GRU", "config": {"name": "gru"}, "name": "gru", "inbound_nodes": [[["b", 0, 0, {}]]]}
    mine = dense("c", 3, initializer={"class_name": "Mine", "config": {}}, source="gru")
    frozen = dense("a", 20, source="in")
    frozen["config"]["trainable"] = False

    with pytest.raises(Untranslatable) as refused:
        translate(read_keras(saved(tmp_path, keras2(frozen, known, recurrent, mine))))

    assert str(refused.value).splitlines() == [
        "a (Dense): it is frozen (trainable is false); a spec trains all its layers",
        "c (Dense): its initializer Mine is not known; use one of Keras' own",
        "gru (GRU): 'GRU' has no layer in a spec; give the model without it, or write this part by hand",
    ]


def test_a_shape_that_the_file_leaves_open_can_be_given(tmp_path):
    model = json.loads((FILES / "functional.json").read_text())
    model["config"]["layers"][0]["config"]["batch_shape"] = [None, None, None, 3]
    path = saved(tmp_path, model)

    with pytest.raises(ModelError, match="leaves the input's shape open; give one, channels first: --input 3,224,224"):
        read_keras(path)
    assert translate(read_keras(path, (3, 64, 64))).network.input.shape == (3, 64, 64)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "error: {path} is not JSON: "),
        ("[1]", "error: {path} is no model of Keras; write it with model.to_json()"),
        (
            '{"class_name": "Sequential", "config": {}}',
            "error: {path} is not as model.to_json() writes it (KeyError: 'layers')",
        ),
    ],
)
def test_other_files_are_refused_with_a_sentence(tmp_path, text, message):
    path = tmp_path / "model.json"
    path.write_text(text)

    with pytest.raises(ModelError) as failed:
        read_keras(str(path))

    assert str(failed.value).startswith(message.format(path=path))


def test_the_command_takes_a_file_without_torch(monkeypatch):
    from typer.testing import CliRunner

    from lrbound.cli.app import app

    monkeypatch.setattr("lrbound.cli._extras.find_spec", lambda name: None)
    result = CliRunner().invoke(app, ["import", str(FILES / "sequential.json")], prog_name="lrbound")

    assert result.exit_code == 0
    assert result.stdout.startswith(f"# Imported from {FILES}/sequential.json.\n")
    assert "name: sequential\n" in result.stdout
