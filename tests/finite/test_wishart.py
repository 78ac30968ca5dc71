"""Products and nested sums of Wishart matrices, against closed forms and drawn matrices."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrbound.curvature.wishart import chains, edges, grown, log_variance, nested_edge, top

RATIOS = st.lists(st.floats(1e-4, 20.0), min_size=1, max_size=6)


def wishart_root(rng: np.random.Generator, outputs: int, freedom: float, draws: int) -> np.ndarray:
    """Bartlett's lower triangular root of a Wishart matrix of mean 1."""
    root = np.tril(rng.standard_normal((draws, outputs, outputs)), -1)
    for i in range(outputs):
        root[:, i, i] = np.sqrt(rng.chisquare(freedom - i, draws))
    return root / math.sqrt(freedom)


@given(st.floats(1e-6, 1e4))
def test_edge_of_one_factor_is_that_of_marchenko_and_pastur(y: float) -> None:
    assert edges(np.array([y]))[0] == pytest.approx((1.0 + math.sqrt(y)) ** 2, rel=1e-5)


@given(RATIOS)
def test_edge_is_the_least_value_of_its_formula(ratios: list[float]) -> None:
    z = np.exp(np.linspace(-12.0, 12.0, 20_001))
    brute = np.exp((np.log1p(1.0 / z) + sum(np.log1p(y * z) for y in ratios)).min())

    assert edges(np.array(ratios))[0] == pytest.approx(brute, rel=1e-4)


@given(RATIOS, st.floats(2.0, 1e4))
def test_the_floor_is_a_change_of_units(ratios: list[float], units: float) -> None:
    y = np.array(ratios)

    assert edges(y / units, 1.0 / units)[0] * units == pytest.approx(edges(y)[0], rel=1e-4)


@given(RATIOS)
def test_more_factors_have_a_higher_edge(ratios: list[float]) -> None:
    found = edges(np.array(ratios))

    assert np.all(np.diff(found) <= 1e-4 * found[:-1])


@given(RATIOS)
def test_the_nested_sum_of_one_layer_is_a_product(ratios: list[float]) -> None:
    y = np.array(ratios)
    values = np.append(1.0, np.zeros(len(y)))

    assert nested_edge(y, values) == pytest.approx(edges(y)[0], rel=1e-3)


def test_a_shift_moves_the_edge() -> None:
    # a multiple of the identity beside one Wishart matrix: the edge is the sum
    assert nested_edge(np.array([0.3]), np.array([2.0, 5.0])) == pytest.approx(
        2.0 * (1.0 + math.sqrt(0.3)) ** 2 + 5.0, 1e-4
    )


@pytest.mark.parametrize("outputs", [1, 2, 10])
def test_no_stage_and_one_output_grow_nothing(outputs: int) -> None:
    assert chains(outputs, np.array([])).tolist() == [1.0]
    assert chains(1, np.array([100.0, 50.0])).tolist() == [1.0, 1.0, 1.0]
    assert grown(1, np.array([1.0, 2.0]), np.array([50.0])).tolist() == [1.0, 2.0]


@given(st.integers(2, 40), st.floats(20.0, 1e6), st.integers(1, 12))
def test_a_chain_lies_between_one_and_the_trace(outputs: int, freedom: float, stages: int) -> None:
    found = chains(outputs, np.full(stages, freedom))

    assert np.all(np.diff(found) <= 0.0)
    assert 1.0 <= found[-1] <= found[0] <= outputs


@pytest.mark.parametrize(
    ("outputs", "freedom", "stages"), [(2, 60, 3), (5, 300, 6), (10, 150, 9), (20, 145, 6), (40, 300, 3)]
)
def test_chain_against_drawn_products(outputs: int, freedom: int, stages: int) -> None:
    # the exponents were fitted to 5 %; 8 % leaves room for the corner with two outputs
    rng = np.random.default_rng(0)
    root = np.eye(outputs)
    for _ in range(stages):
        root = root @ wishart_root(rng, outputs, freedom, 400)
    drawn = np.linalg.svd(root, compute_uv=False)[:, 0] ** 2

    nu = np.full(stages, float(freedom))
    assert chains(outputs, nu)[0] == pytest.approx(drawn.mean(), rel=0.08)
    assert math.sqrt(log_variance(outputs, nu).sum()) == pytest.approx(np.log(drawn).std(), rel=0.2)


@pytest.mark.parametrize("outputs", [2, 10, 30])
@pytest.mark.parametrize("growth", [1.0, 1.5, 2.5])
def test_nested_sums_against_drawn_ones(outputs: int, growth: float) -> None:
    rng = np.random.default_rng(1)
    nu = np.array([150.0, 200.0, 150.0, 300.0, 150.0])
    values = growth ** -np.arange(6.0)
    m = values[0] * np.tile(np.eye(outputs), (500, 1, 1))
    for freedom, value in zip(nu, values[1:], strict=True):
        root = wishart_root(rng, outputs, freedom, 500)
        m = root @ m @ root.transpose(0, 2, 1) + value * np.eye(outputs)
    drawn = float(np.linalg.eigvalsh(m)[:, -1].mean())

    # the sum of the layers' own tops is 5 to 10 % high here
    assert grown(outputs, values, nu).sum() == pytest.approx(drawn, rel=0.045)


def test_top_of_one_wishart_matrix() -> None:
    rng = np.random.default_rng(2)
    root = wishart_root(rng, 20, 100.0, 2000)
    drawn = np.linalg.svd(root, compute_uv=False)[:, 0] ** 2

    assert top(20, np.array(100.0)).mean == pytest.approx(drawn.mean(), rel=0.02)
