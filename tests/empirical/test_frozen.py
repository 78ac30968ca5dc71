from __future__ import annotations

import pytest
import torch

from lrbound.empirical.frozen import FrozenStatistics


@pytest.mark.parametrize(
    ("norm", "shape"), [(torch.nn.BatchNorm1d(3), (8, 3)), (torch.nn.BatchNorm2d(3), (4, 3, 5, 5))]
)
def test_values_are_those_of_training_and_gradients_are_local(norm, shape):
    x = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    norm = norm.double()
    expected = norm(x)
    with FrozenStatistics():
        got = norm(x)

    assert torch.allclose(got, expected)
    (gradient,) = torch.autograd.grad(got[0].sum(), x)
    assert gradient[0].abs().min() > 0
    assert not gradient[1:].any()


def test_a_batch_norm_in_evaluation_stays_as_it_is():
    norm = torch.nn.BatchNorm1d(3).eval()
    x = torch.randn(8, 3)
    with FrozenStatistics():
        assert torch.equal(norm(x), norm(x.clone()))
        assert torch.allclose(norm(x), x, atol=1e-4)


def test_a_norm_over_one_sample_is_no_batch_statistic():
    x = torch.randn(4, 6, requires_grad=True)
    with FrozenStatistics():
        (gradient,) = torch.autograd.grad(torch.nn.LayerNorm(6)(x)[0].sum(), x)

    # the sum of normalised values is 0 whatever the sample is
    assert torch.allclose(gradient, torch.zeros_like(gradient), atol=1e-5)
