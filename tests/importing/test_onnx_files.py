"""Files that torch.onnx.export writes: the same network as the module that was exported."""

from __future__ import annotations

import warnings

import pytest
import torch

import lrbound
from lrbound.importing.onnx import read_onnx
from lrbound.importing.refusal import ModelError
from lrbound.importing.translate import translate
from tests.importing.same import structure, variances
from tests.importing.torchvision_style import BasicBlock, DenseNet, MobileNetV2, ResNet

SHAPE = (3, 32, 32)
MODELS = {
    "resnet": lambda: ResNet(BasicBlock, [1, 1, 1, 1], classes=10, width=8),
    "mobilenet": lambda: MobileNetV2(10, width=0.25),
    "densenet": lambda: DenseNet(8, (2, 2), classes=10, channels=16),
}


def exported(module, path, **how):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter that keeps batch norm, which torch calls its older one
        torch.onnx.export(module, torch.randn(2, *SHAPE), str(path), dynamo=False, **how)
    return str(path)


@pytest.mark.parametrize("model", MODELS)
def test_a_file_in_training_mode_is_the_module_that_it_was_made_from(model, tmp_path):
    torch.manual_seed(0)
    module = MODELS[model]()
    expected = lrbound.from_torch(module, SHAPE)

    path = exported(module, tmp_path / "net.onnx", training=torch.onnx.TrainingMode.TRAINING, do_constant_folding=False)
    found = translate(read_onnx(path)).network

    assert structure(found) == structure(expected)
    assert variances(found) == variances(expected)


def test_a_file_in_evaluation_mode_is_warned_of(tmp_path):
    torch.manual_seed(0)

    path = exported(MODELS["resnet"]().eval(), tmp_path / "net.onnx")

    assert any("folds batch norm into the convolutions" in note for note in translate(read_onnx(path)).notes)


def test_what_is_no_onnx_file_is_told(tmp_path):
    path = tmp_path / "net.onnx"
    path.write_bytes(b"not a model")
    with pytest.raises(ModelError, match="is no ONNX file"):
        read_onnx(str(path))
