"""lambda_max by forming the matrix: J row by row, Q in full, a dense eigenvalue, all in float64."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from lrbound.empirical.batches import GaussianBatches
from lrbound.empirical.build import to_torch
from lrbound.layers._modules import learnable

if TYPE_CHECKING:
    from lrbound.network import Network


def largest_eigenvalue(network: Network, *, seed: int, index: int, frozen: bool) -> tuple[float, dict[str, float]]:
    """Return lambda_max of what `measure` calls initialisation ``index`` of ``seed``, and the layers' parts in it."""
    weights, inputs, masks, _ = (int(s) for s in np.random.SeedSequence((seed, index)).generate_state(4))
    module = to_torch(network, seed=weights).double()
    x = torch.as_tensor(GaussianBatches(network.input).draw(network.training.batch_size, inputs))
    owners, parameters = zip(*learnable(module), strict=True)
    with torch.random.fork_rng():
        torch.manual_seed(masks)
        outputs = _frozen(module, x) if frozen else module(x)
    rows = [
        torch.cat([g.flatten() for g in torch.autograd.grad(f, parameters, retain_graph=True)]).numpy()
        for f in outputs.flatten()
    ]
    samples, classes = outputs.shape
    jacobian = np.stack(rows).reshape(samples, classes, -1)
    loss = network.training.loss
    # a loss whose curvature depends on its targets says which ones are drawn
    targets = loss.drawn_targets(tuple(outputs.shape)) if hasattr(loss, "drawn_targets") else np.zeros(outputs.shape)
    hessians = np.stack([_hessian(loss.kind, f, y) for f, y in zip(outputs.detach().numpy(), targets, strict=True)])
    matrix = np.einsum("scp,scd,sdq->pq", jacobian, hessians, jacobian, optimize=True) / samples
    values, vectors = np.linalg.eigh(matrix)
    parts: dict[str, float] = {}
    start = 0
    for path, parameter in zip(owners, parameters, strict=True):
        piece = vectors[start : start + parameter.numel(), -1]
        parts[path] = parts.get(path, 0.0) + float(values[-1] * piece @ piece)
        start += parameter.numel()
    return float(values[-1]), parts


def _frozen(module: nn.Sequential, x: torch.Tensor) -> torch.Tensor:
    for layer in module:
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            axes = [0, *range(2, x.dim())]
            shape = [1, -1, *[1] * (x.dim() - 2)]
            mean = x.detach().mean(axes, keepdim=True)
            var = x.detach().var(axes, correction=0, keepdim=True)
            x = (x - mean) / (var + layer.eps).sqrt() * layer.weight.view(shape) + layer.bias.view(shape)
        else:
            x = layer(x)
    return x


def _hessian(loss: str, f: np.ndarray, y: np.ndarray) -> np.ndarray:
    classes = len(f)
    if loss == "cross_entropy":
        p = np.exp(f - f.max()) / np.exp(f - f.max()).sum()
        return np.diag(p) - np.outer(p, p)
    if loss == "binary_cross_entropy":
        p = 1.0 / (1.0 + np.exp(-f))
        return np.diag(p * (1.0 - p)) / classes
    if loss in ("huber", "smooth_l1"):  # with a threshold of 1
        return np.diag((np.abs(f - y) < 1.0) / classes)
    return np.eye(classes) * {"half_squared_error": 1.0, "mse": 2.0 / classes}[loss]
