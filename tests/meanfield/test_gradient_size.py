"""The mean square of an output's gradient at every layer, against autograd on drawn networks."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import lrbound
from tests.sampled import modules, white_inputs

NETS = {
    "dense": "[100]|linear: 300|relu|linear: 300|tanh|linear: 10",
    "batch_norm": "[100]|linear: 300|batch_norm|relu|linear: 300|batch_norm|relu|linear: 10",
    "layer_norm": "[100]|linear: 300|layer_norm|silu|linear: 10",
    "convolution": "[3, 8, 8]|conv2d: {channels: 64, kernel: 3, padding: 1}|batch_norm|relu|avg_pool2d: 2|"
    "conv2d: {channels: 64, kernel: 3}|relu|global_avg_pool|linear: 10",
    "residual": "[60]|linear: 200|residual: {layers: [batch_norm, relu, linear: 200]}|batch_norm|relu|linear: 10",
}


@pytest.mark.parametrize("name", NETS)
def test_gradient_size_is_that_of_drawn_networks(name):
    shape, *layers = NETS[name].split("|")
    text = "".join(f"  - {layer}\n" for layer in layers)
    net = lrbound.parse(
        f"version: 1\ninput: {{shape: {shape}}}\ninit: he\ntraining: {{batch_size: 32}}\nlayers:\n{text}"
    )
    predicted = {layer.path: layer.gradient for layer in lrbound.predict(net).layers}
    sizes: dict[str, list[float]] = {}
    for seed in range(8):
        hidden = [white_inputs(net, 32)]
        for module in modules(net, seed):
            hidden.append(module(hidden[-1]))
        gradients = torch.autograd.grad(hidden[-1][0, 0], hidden[1:])
        for (node, _), gradient in zip(net.unrolled(), gradients, strict=True):
            sizes.setdefault(node.path, []).append(float(gradient.square().sum()))

    for path, values in sizes.items():
        error = np.std(values) / np.sqrt(len(values))
        assert predicted[path] == pytest.approx(np.mean(values), rel=0.05, abs=3.0 * error), path
