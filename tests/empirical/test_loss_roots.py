from __future__ import annotations

import pytest
import torch

from lrbound.empirical.loss_roots import root
from lrbound.losses import LOSSES


@pytest.mark.parametrize("name", LOSSES.names())
def test_the_root_squares_to_the_hessian_of_the_loss(name):
    """Every loss of the registry: R R^T is the second derivative of its torch module."""
    outputs = 2.0 * torch.randn(1, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    loss = LOSSES.get(name)()
    target = torch.tensor([2]) if name == "cross_entropy" else torch.zeros(1, 6, dtype=torch.float64)
    hessian = torch.autograd.functional.hessian(lambda f: loss.torch()(f, target), outputs).view(6, 6)
    maps = root(loss, outputs)
    eye = torch.eye(6, dtype=torch.float64)
    product = torch.cat([maps.apply(maps.transpose(row.view(1, 6))) for row in eye])
    first, second = (torch.cat([apply(row.view(1, 6)) for row in eye]) for apply in (maps.apply, maps.transpose))

    assert torch.allclose(product, hessian)
    assert torch.allclose(first, second.T)
