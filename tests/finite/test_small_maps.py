"""Batch-normalised convolutional nets on small maps, whose complement matters, against measured networks.

Provenance: lambda_max, and tops of parts of the nC x nC Gram matrix over the mean of its spectrum without the coherent
direction, of 48 initialisations in float32 (seeds from 0, white inputs; 10 outputs, batches of 32, kaiming weights without
biases, ReLU). ``lambda_max`` has its standard error; those of ``sample`` (mean top of one sample's C x C matrix) and
``output`` (top of one output's matrix) are 0.01 to 0.06. No constant was fitted to them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pytest

from lrbound.backward.mean_activations import edge
from lrbound.curvature.bulk import bulk
from lrbound.curvature.combine import combine
from lrbound.curvature.coupling import of_best_sample
from lrbound.curvature.localized import localized
from lrbound.curvature.wishart import edges
from tests.finite.finite_of import finite, profile_of
from tests.nets import network

if TYPE_CHECKING:
    from lrbound.backward.layerwise import LayerwiseStatistics
    from lrbound.network import Network


class Measured(NamedTuple):
    side: int
    blocks: str
    head: str
    lambda_max: float
    error: float
    sample: float
    output: float
    off: float  # relative error that is left


def block(channels: int = 16, *, stride: int = 1, mode: str = "zeros") -> str:
    conv = f"{{channels: {channels}, kernel: 3, stride: {stride}, padding: 1, bias: false, padding_mode: {mode}}}"
    return f"- conv2d: {conv}\n- batch_norm\n- relu\n"


def pooled(channels: int) -> str:
    return block(channels, stride=2) + block(channels) + "- avg_pool2d: 2\n" + 2 * block(channels)


NETS = {
    "2x2": Measured(2, 3 * block(), "global_avg_pool", 17.52, 0.71, 3.21, 3.53, 0.14),
    "3x3": Measured(3, 3 * block(), "global_avg_pool", 7.481, 0.25, 3.06, 3.23, 0.03),
    "4x4-deep": Measured(4, 5 * block(), "global_avg_pool", 9.067, 0.40, 3.32, 2.51, 0.08),
    "4x4-circular": Measured(4, 3 * block(mode="circular"), "global_avg_pool", 7.301, 0.24, 3.01, 4.67, 0.02),
    "12x12-to-3x3-narrow": Measured(12, pooled(8), "global_avg_pool", 7.658, 0.30, 4.27, 2.84, 0.03),
    "12x12-to-3x3": Measured(12, pooled(16), "global_avg_pool", 7.529, 0.20, 3.13, 2.25, 0.12),
    "3x3-flatten": Measured(3, 3 * block(), "flatten", 71.05, 0.80, 1.79, 2.72, 0.08),
    "12x12-to-3x3-flatten": Measured(12, pooled(16), "flatten", 121.0, 1.7, 1.98, 2.04, 0.04),
}


def net(case: Measured) -> Network:
    head = f"input: {{shape: [3, {case.side}, {case.side}]}}\ninit: he\ntraining: {{batch_size: 32}}"
    return network(f"{case.blocks}- {case.head}\n- linear: 10\n", head=head)


def mean_of(row: LayerwiseStatistics) -> float:
    return float(row.complement.sum()) / row.samples


@pytest.mark.parametrize("name", NETS)
def test_lambda_max(name: str) -> None:
    case = NETS[name]

    assert finite(net(case)).lambda_max == pytest.approx(case.lambda_max, rel=case.off + case.error / case.lambda_max)


@pytest.mark.parametrize("name", NETS)
def test_the_tops_of_samples(name: str) -> None:
    row = profile_of(net(NETS[name]))
    one = float(localized(row).parts.sum()) / mean_of(row)

    assert one == pytest.approx(NETS[name].sample, rel=0.08)


@pytest.mark.parametrize("name", NETS)
def test_the_top_of_one_output(name: str) -> None:
    row = profile_of(net(NETS[name]))._replace(outputs=1)
    best, spread = localized(row), bulk(row)
    mean = mean_of(row)
    found = combine(
        0.0, best.value, spread.edge, mean, spread.centre, localized_coupling_sq=of_best_sample(row, best)
    ).value

    assert found / mean == pytest.approx(NETS[name].output, rel=0.07)


def test_a_pooled_unit_counts_once() -> None:
    # w m'Km is one number a unit, however many positions there are
    counts = [
        float(profile_of(net(Measured(side, block(), "global_avg_pool", *(0.0,) * 5))).one_sample[-1])
        for side in (4, 8, 16)
    ]

    assert all(8.0 <= count <= 18.0 for count in counts)


def test_no_pattern_on_circular_maps() -> None:
    row = profile_of(net(NETS["4x4-circular"]))
    padded = profile_of(net(NETS["4x4-deep"]))

    assert np.abs(row.pattern.share).max() < 1e-6
    assert (padded.pattern.share[1:-1] > 0.05).all()


@pytest.mark.parametrize(("ratio", "other"), [(0.3, 0.3), (2.0, 0.5)])
def test_the_edge_of_two_laws(ratio: float, other: float) -> None:
    """The top of a sum of two independent Wishart matrices of weights 1 and 1/2."""
    n, rng = 600, np.random.default_rng(0)
    a, b = (rng.standard_normal((n, round(n / y))) for y in (ratio, other))
    top = np.linalg.eigvalsh(a @ a.T / a.shape[1] + 0.5 * b @ b.T / b.shape[1])[-1]
    found = edge(n, np.array([ratio / n]), np.array([0.5 * n]), np.array([n / other]), n)

    assert found == pytest.approx(top, rel=0.02)


def test_the_edge_without_others_is_that_of_one_law() -> None:
    ratios = np.array([0.4, 0.7]) / 32.0
    one = 50.0 * float(edges(ratios, 1.0 / 32.0)[0])

    assert edge(50.0, ratios, np.array([1e-9]), np.array([16.0]), 32.0) == pytest.approx(one, rel=1e-5)


def test_the_larger_of_two_branches_that_vary() -> None:
    rng = np.random.default_rng(1)
    draws = 10.0 * np.exp(0.3 * rng.standard_normal(200_000) - 0.045)
    found = combine(9.0, 0.0, 10.0, 0.0, 0.0, met=0.0, spread=0.3).value

    assert found == pytest.approx(np.maximum(draws, 9.0).mean(), rel=0.01)
    assert combine(9.0, 0.0, 10.0, 0.0, 0.0, met=0.0).value == 10.0
