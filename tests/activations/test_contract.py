"""What every activation in the registry must satisfy; a new one is tested without an edit here."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lrbound.activations import ACTIVATIONS
from lrbound.fields import params
from lrbound.init import NAMED
from tests.activations.double_integral import FINE, integral, panels, places

MEANS = (0.0, 0.7)


def other_arguments(cls):
    """For every argument of an activation, one value that is not the default."""
    for argument, (param, default) in params(cls).items():
        yield argument, next(choice for choice in param.choices if choice != default) if param.choices else 0.25


CASES = {name: ACTIVATIONS.get(name)() for name in ACTIVATIONS.names()}
CASES |= {
    f"{name}-{argument}-{value}": ACTIVATIONS.get(name)(**{argument: value})
    for name in ACTIVATIONS.names()
    for argument, value in other_arguments(ACTIVATIONS.get(name))
}


def make(name):
    return CASES[name]


def tolerance(name):
    """Where phi'' jumps, Hermite coefficients fall off as a power of their number: what they miss goes as the jump's square."""
    activation, h = make(name), 1e-5
    steps = h * np.array([-2.0, -1.0, 1.0, 2.0])
    at = activation.slope(places(activation)[:, None] + steps)
    jump = np.abs((at[:, 3] - at[:, 2]) - (at[:, 1] - at[:, 0])).max() / h
    return 1e-6 + 1e-5 * jump**2


@pytest.fixture(params=CASES)
def name(request):
    return request.param


def call(activation, mean, sd_a, sd_b, rho):
    return np.array([float(x) for x in activation.pair(mean, np.array(sd_a), np.array(sd_b), np.array(rho))])


@pytest.mark.parametrize("mean", MEANS)
@pytest.mark.parametrize("sds", [(1.0, 1.0), (0.4, 1.7), (2.5, 2.5)])
def test_pair_is_the_double_integral(name, mean, sds):
    activation = make(name)
    for rho in (-0.9, 0.0, 0.5, 0.99):
        expected = integral(activation, mean, *sds, rho)
        np.testing.assert_allclose(call(activation, mean, *sds, rho), expected, rtol=0, atol=tolerance(name))


@pytest.mark.parametrize("mean", MEANS)
def test_local_is_the_single_integral(name, mean):
    activation = make(name)
    for sd in (0.3, 1.0, 2.5):
        breaks = ((places(activation) - mean) / sd)[:, None] + FINE
        z, weight = panels(np.unique(np.clip(np.concatenate([np.linspace(-9, 9, 37), breaks.ravel()]), -9, 9)))
        u = mean + sd * z
        squares = activation.slope(u) ** 2
        expected = [weight @ activation.value(u) ** 2, weight @ squares, weight @ ((z * z - 1) * squares) / sd**2]
        actual = [float(x) for x in activation.local(mean, np.array(sd))]
        np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("mean", [0.0, 0.7, -1.3])
def test_rho_of_one_meets_local(name, mean):
    activation = make(name)
    for sd in (0.01, 1.0, 3.0):
        local = np.array([float(x) for x in activation.local(mean, np.array(sd))])
        np.testing.assert_allclose(call(activation, mean, sd, sd, 1.0), local, rtol=1e-7, atol=2e-8)


@given(
    name=st.sampled_from(list(CASES)),
    mean=st.sampled_from([0.0, -0.5, 0.7]),
    sd_a=st.floats(0.1, 1.5),
    sd_b=st.floats(0.1, 1.5),
    rho=st.floats(-0.95, 0.95),
)
@settings(max_examples=150, deadline=None, derandomize=True)
def test_price(name, mean, sd_a, sd_b, rho):
    """d E phi(u) phi(v) / d rho = s_a s_b E phi'(u) phi'(v)."""
    activation, h = make(name), 1e-4
    at = activation.pair(mean, np.array(sd_a), np.array(sd_b), rho + h * np.array([-2.0, -1.0, 0.0, 1.0, 2.0]))
    difference = np.array([1.0, -8.0, 0.0, 8.0, -1.0]) @ np.broadcast_to(at.value, 5) / (12 * h)
    slope = np.broadcast_to(at.slope, 5)[2]
    assert difference == pytest.approx(sd_a * sd_b * slope, abs=10 * tolerance(name))


@given(name=st.sampled_from(list(CASES)), mean=st.sampled_from([0.0, 0.7]), rho=st.floats(-1, 1), data=st.data())
@settings(max_examples=100, deadline=None, derandomize=True)
def test_value_is_a_covariance(name, mean, rho, data):
    """|E phi(u) phi(v)|^2 <= E phi(u)^2 E phi(v)^2, and likewise for the slopes."""
    activation = make(name)
    sd_a, sd_b = (data.draw(st.floats(0.05, 4.0)) for _ in range(2))
    pair = call(activation, mean, sd_a, sd_b, rho)
    a, b = (activation.local(mean, np.array(sd)) for sd in (sd_a, sd_b))
    for i in range(2):
        assert pair[i] ** 2 <= float(a[i] * b[i]) * (1 + 1e-5) + 1e-12


def test_without_correlation_the_means_multiply(name):
    """So an odd function gives 0."""
    activation, u = make(name), np.linspace(-3, 3, 7)
    value = call(activation, 0.0, 1.3, 0.4, 0.0)[0]
    factors = []
    for sd in (1.3, 0.4):
        z, weight = panels(np.unique(np.clip(np.append(np.linspace(-9, 9, 37), places(activation) / sd), -9, 9)))
        factors.append(weight @ activation.value(sd * z))
    product_of_means = np.prod(factors)
    assert value == pytest.approx(product_of_means, abs=1e-12)
    if np.array_equal(activation.value(-u), -activation.value(u)):
        assert value == pytest.approx(0.0, abs=1e-15)


def test_slope_is_the_derivative_of_value(name):
    activation, h = make(name), 1e-4
    u = np.linspace(-8, 8, 161)
    u = u[(np.abs(u[:, None] - places(activation)) > 0.05).all(axis=1)]
    points = [activation.value(u + step * h) for step in (-2, -1, 1, 2)]
    difference = (points[0] - 8 * points[1] + 8 * points[2] - points[3]) / (12 * h)
    np.testing.assert_allclose(activation.slope(u), difference, atol=1e-9)


def test_kinks_are_the_jumps_of_the_slope(name):
    activation = make(name)
    kinks = dict(activation.kinks)
    assert len(kinks) == len(activation.kinks)
    assert 0.0 not in kinks.values()
    for place in (0.0, *kinks):
        below, above = activation.slope(place + np.array([-1e-9, 1e-9]))
        assert above - below == pytest.approx(kinks.get(place, 0.0), abs=1e-8)


def test_the_slope_jumps_nowhere_else(name):
    activation = make(name)
    u = np.linspace(-20, 20, 40001)
    between = (u[:-1] + u[1:]) / 2
    jumps = np.abs(np.diff(activation.slope(u)))  # no slope changes faster than by 4 per unit
    for place, _ in activation.kinks:
        jumps = jumps[np.abs(between - place) > 2e-3]
        between = between[np.abs(between - place) > 2e-3]
    assert jumps.max() < 4e-3


@pytest.mark.parametrize("mean", MEANS)
def test_a_deviation_of_zero_is_a_constant(name, mean):
    activation = make(name)
    constant = float(activation.value(np.array([mean]))[0])
    one = np.array(0.8)
    for sd_b in (np.array(0.0), one):
        pair = call(activation, mean, 0.0, sd_b, 0.3)
        square_root = constant * (activation.pair(mean, sd_b, sd_b, np.array(0.0)).value ** 0.5 if sd_b else constant)
        assert abs(pair[0]) == pytest.approx(abs(float(square_root)), abs=1e-7)
        assert pair[2] == 0.0
    local = activation.local(mean, np.array(0.0))
    assert float(local.value) == pytest.approx(constant**2, abs=1e-12)
    assert float(local.stein) == 0.0


@pytest.mark.parametrize("mean", MEANS)
def test_correlations_just_outside_are_clipped(name, mean):
    activation = make(name)
    for sign in (-1.0, 1.0):
        np.testing.assert_array_equal(
            call(activation, mean, 0.9, 0.9, sign * (1 + 1e-12)), call(activation, mean, 0.9, 0.9, sign)
        )


@pytest.mark.parametrize(("mean", "sizes"), [(0.0, (2, 3, 4)), (0.0, (2, 15, 11)), (0.7, (2, 3, 4))])
@pytest.mark.parametrize("spread", [0.0, 0.3])
def test_arrays_are_elementwise(name, mean, sizes, spread):
    """The sizes take the path for small arrays and the one in blocks; equal deviations have one of their own."""
    activation, rng = make(name), np.random.default_rng(0)
    n, r, c = sizes
    sd = 1.0 + spread * rng.uniform(-1, 1, (n, r, c))
    sd_a, sd_b = sd[:, :, None, :, None], sd[:, None, :, None, :]
    rho = rng.uniform(-1, 1, (n, r, r, c, c))
    pair = activation.pair(mean, sd_a, sd_b, rho)
    for index in [(0, 0, 0, 0, 0), (1, r - 1, 0, 1, c - 1), (0, 1, r - 1, c - 1, 2)]:
        s, i, j, k, m = index
        single = call(activation, mean, sd[s, i, k], sd[s, j, m], rho[index])
        many = [float(np.broadcast_to(x, rho.shape)[index]) for x in pair]
        np.testing.assert_allclose(many, single, rtol=0, atol=tolerance(name))
    local = activation.local(mean, sd)
    assert {np.shape(x) for x in local} == {sd.shape}


def test_the_torch_module_agrees(name):
    activation = make(name)
    u = np.linspace(-8, 8, 321)
    module = activation.torch((321,), NAMED["he"]).double()
    at = torch.tensor(u, requires_grad=True)
    out = module(at[None])[0]
    np.testing.assert_allclose(activation.value(u), out.detach().numpy(), atol=1e-12)
    out.sum().backward()
    away = (np.abs(u[:, None] - places(activation)) > 1e-9).all(axis=1)
    np.testing.assert_allclose(activation.slope(u)[away], at.grad.numpy()[away], atol=1e-12)


def test_the_reference_integral_is_exact_where_the_answer_is_known():
    """The reference must not share an error with the code: relu's arc-cosine kernel, by hand."""
    relu = make("relu")
    for rho, sds in product((-0.9, 0.5, 0.99), ((1.0, 1.0), (0.4, 1.7))):
        angle, root, area = math.pi - math.acos(rho), math.sqrt(1 - rho**2), sds[0] * sds[1]
        expected = [area * (root + rho * angle), angle, root / area]
        np.testing.assert_allclose(integral(relu, 0.0, *sds, rho) * 2 * math.pi, expected, atol=1e-8)
