"""Numbers of lrbound/theory, computed again from the formulas there, with nothing of the package."""

from __future__ import annotations

from itertools import pairwise
from math import asin, exp, log, pi, prod, sqrt

import numpy as np
import pytest
from scipy.integrate import quad, solve_ivp
from scipy.optimize import brentq, minimize_scalar
from scipy.stats import norm

WIDTHS, SW2, SB2 = (784, 1000, 1000, 1000, 10), 2.0, 0.5


def j1(c):
    return (sqrt(1 - c * c) + c * pi / 2 + c * asin(c)) / (2 * pi)


def j0(c):
    return (pi / 2 + asin(c)) / (2 * pi)


def plain(widths=WIDTHS, sw2=SW2, sb2=SB2, correlation=0.0, bias=0):
    """Return K1 and K2 by layer, and q, q_xy, of a dense ReLU network without normaliser."""
    second, cross, moments, inputs = 1.0, correlation, [], []
    for _ in widths[1:]:
        inputs.append((second, cross))
        q, q_xy = sb2 + sw2 * second, sb2 + sw2 * cross
        moments.append((q, q_xy))
        second, cross = q / 2, q * j1(q_xy / q)
    k1, k2, coherent = [], [], 1.0
    for at in reversed(range(len(inputs))):
        if at + 1 < len(inputs):
            coherent *= sw2 * j0(moments[at][1] / moments[at][0])
        own = (sw2 / 2) ** (len(inputs) - 1 - at)
        k1.insert(0, (widths[at] * inputs[at][0] + bias) * own)
        k2.insert(0, (widths[at] * inputs[at][1] + bias) * coherent)
    return np.array(k1), np.array(k2), moments


def normalised(gamma, *, published):
    """Return K2 of the same network under batch norm with constant statistics."""
    total, back = 0.0, 1.0
    for at in (3, 2, 1, 0):
        cross = gamma**2 / (2 * pi) if at else 0.0
        total += WIDTHS[at] * cross * back
        if at:
            second, below = (gamma**2 / 2, gamma**2 / (2 * pi)) if at > 1 else (1.0, 0.0)
            back *= gamma**2 * SW2 / 4 / (SB2 + SW2 * second if published else SW2 * (second - below))
    return total


@pytest.mark.parametrize("c", [-0.7, 0.0, 0.3, 0.9])
def test_the_closed_forms_of_relu_are_those_of_quadrature(c):
    def given(z, power):
        # the mean over the second value, given the first
        mean, deviation = c * z, sqrt(1 - c * c)
        t = mean / deviation
        return norm.pdf(z) * (norm.cdf(t) if power == 0 else z * (mean * norm.cdf(t) + deviation * norm.pdf(t)))

    assert quad(given, 0, 12, args=(1,))[0] == pytest.approx(j1(c), rel=1e-7)
    assert quad(given, 0, 12, args=(0,))[0] == pytest.approx(j0(c), rel=1e-7)


def test_the_table_of_the_published_formula():
    table = {
        0.25: (10.53, 22.59, 9.95),
        0.5: (47.53, 90.38, 39.79),
        1.0: (229.89, 361.51, 159.15),
        1.5: (564.52, 813.40, 358.10),
        2.0: (1045.31, 1446.05, 636.62),
        3.0: (2432.29, 3253.61, 1432.39),
    }
    for gamma, row in table.items():
        computed = normalised(gamma, published=True), normalised(gamma, published=False), 1000 * gamma**2 / (2 * pi)
        assert computed == pytest.approx(row, abs=0.006)


def test_the_network_without_batch_norm_and_the_gammas_that_equal_it():
    k2 = plain()[1]

    assert k2[::-1] == pytest.approx([1282.4, 688.1, 263.7, 0.0], abs=0.06)
    assert k2.sum() == pytest.approx(2234.17, abs=0.01)
    for of, gamma in (
        (lambda g: normalised(g, published=True), 2.879),
        (lambda g: normalised(g, published=False), 2.486),
        (lambda g: 1000 * g * g / (2 * pi), 3.747),
    ):
        assert brentq(lambda g, of=of: of(g) - k2.sum(), 1.0, 5.0) == pytest.approx(gamma, abs=0.001)


def test_the_stream_of_a_residual_network():
    rng = np.random.default_rng(0)
    h, values = np.maximum(rng.standard_normal(1_000_000), 0), {}
    for block in range(1, 17):
        h = np.maximum(h + rng.standard_normal(len(h)), 0)
        values[block] = 300 * h.mean() ** 2 + 1

    assert [values[k] for k in (2, 4, 8, 16)] == pytest.approx([250, 500, 1060, 2280], rel=0.01)


@pytest.fixture(scope="module")
def sphere():
    """Return normalised values of 200,000 units over 8 samples, and 1/s^2."""
    z = np.random.default_rng(1).standard_normal((200_000, 8))
    z -= z.mean(axis=1, keepdims=True)
    variance = (z**2).mean(axis=1, keepdims=True)
    return z / np.sqrt(variance), 1 / variance


def test_relu_on_the_sphere_of_batch_norm_has_the_gaussian_values(sphere):
    zhat, inverse = sphere
    h, slope = np.maximum(zhat, 0), zhat > 0

    assert (h**2).mean() == pytest.approx(0.5, rel=0.01)
    assert (h[:, 0] * h[:, 1]).mean() == pytest.approx(j1(-1 / 7), rel=0.02)
    assert (slope[:, 0] & slope[:, 1]).mean() == pytest.approx(j0(-1 / 7), rel=0.02)
    assert inverse.mean() == pytest.approx(8 / 5, rel=0.01)


def test_back_through_batch_norm_both_eigenspaces_go_to_the_complement(sphere):
    zhat, _ = sphere
    n = 8
    projector = np.eye(n) - 1 / n

    def back(v):
        delta = (zhat > 0) * v
        delta = delta - delta.mean(1, keepdims=True) - zhat * (delta * zhat).mean(1, keepdims=True)
        return delta.T @ delta / len(zhat)

    r1 = 0.5 - j0(-1 / 7) - j1(-1 / 7) - 0.5 / 7
    r_p = 0.5 - 0.5 / 7 - r1 / n
    basis = np.linalg.svd(projector)[0][:, : n - 1]

    assert back(np.ones(n)) == pytest.approx(r1 * projector, abs=0.002)
    assert sum(back(v) for v in basis.T) == pytest.approx(r_p * projector, abs=0.005)


def test_gradients_grow_by_pi_over_pi_minus_1_at_large_batches():
    n = 10**7
    c = -1 / (n - 1)
    r1 = 0.5 - j0(c) - j1(c) - 0.5 / (n - 1)

    assert n / (n - 3) / (0.5 - j1(c)) * (0.5 - 0.5 / (n - 1) - r1 / n) == pytest.approx(pi / (pi - 1), rel=1e-5)


def per_layer_trace(widths, n):
    """Return K1 of every layer of a ReLU network under batch norm of n samples."""
    c, depth = -1 / (n - 1), len(widths) - 1
    centred = [1.0] + [0.5 - j1(c)] * (depth - 1)
    r1 = 0.5 - j0(c) - j1(c) - 0.5 / (n - 1)
    r_p = 0.5 - 0.5 / (n - 1) - r1 / n
    e = [n / (n - 3) / value for value in centred]
    traces = []
    for at in range(depth):
        own = widths[at] * centred[at]
        if at + 1 == depth:
            a, b = widths[at] * (0.5 + (n - 1) * j1(c)) + n, own
        else:
            a = (n - 1) / n * own * e[depth - 2] * r1 * prod(e[m] * r_p for m in range(at, depth - 2))
            b = own * prod(e[m] * r_p for m in range(at, depth - 1))
        traces.append((a + (n - 1) * b) / n)
    return traces


def test_the_traces_of_layers_under_batch_norm():
    assert per_layer_trace((256, 512, 512, 512, 10), 16) == pytest.approx([349, 438, 276, 257], abs=0.6)
    deep = per_layer_trace((128, *[300] * 10, 10), 64)
    assert [deep[0], deep[1], deep[2], deep[-1]] == pytest.approx([2399, 3765, 2522, 151], abs=0.6)


def test_instance_enhancement_with_a_gate_weight():
    z = np.linspace(-8, 8, 801)
    weight = norm.pdf(z) / norm.pdf(z).sum()

    def coherent(widths, n):
        second, cross = 1.0, 0.0
        for _ in widths[1:-1]:
            q, q_xy = SB2 + SW2 * second, SB2 + SW2 * cross
            gate = 1 / (1 + np.exp(-0.5 * (sqrt(q_xy) * z[:, None] + sqrt(q - q_xy) * z)))
            h = np.maximum(z, 0) * gate
            second, cross = weight @ (h**2 @ weight), weight @ (h @ weight) ** 2
        return widths[-2] * (second + (n - 1) * cross) / n + 1

    assert coherent((128, 300, 300, 300, 10), 64) == pytest.approx(18.0, abs=0.05)
    assert coherent((200, 480, 480, 1), 100) == pytest.approx(29.3, abs=0.05)


def test_relus_norm_and_gain_from_unit_to_unit():
    mean, variance = 1 / sqrt(2 * pi), 0.5 - 1 / (2 * pi)

    def over_positive(f):
        return quad(lambda z: f(z) * norm.pdf(z), 0, 20)[0]

    fourth = over_positive(lambda z: (z - mean) ** 4) + mean**4 / 2
    assert fourth / variance**2 - 1 == pytest.approx(4.41, abs=0.005)
    assert over_positive(lambda z: (z - mean) ** 2) / variance / 0.5 - 1 == pytest.approx(0.53, abs=0.005)
    assert 0.25 / variance == pytest.approx(0.733, abs=0.001)


def edge(ratios):
    log_edge = minimize_scalar(
        lambda t: log(1 + exp(-t)) + sum(log(1 + y * exp(t)) for y in ratios), bounds=(-12, 12), method="bounded"
    )
    return exp(log_edge.fun)


def tracy_widom(outputs, nu):
    """Return s and J of one Wishart matrix."""
    a, b = sqrt(nu), sqrt(outputs)
    s = (a + b) * (1 / a + 1 / b) ** (1 / 3) / nu
    return s, (a + b) ** 2 / nu - 1.2065 * s


def chain(outputs, dofs):
    def lowered(nu):
        return tracy_widom(outputs, nu)[1] / (1 + sqrt(outputs / nu)) ** 2

    ratios = [outputs / nu for nu in dofs]
    return edge(ratios) * prod(map(lowered, dofs)) ** 0.25 * lowered(outputs / sum(ratios)) ** 0.75


@pytest.mark.parametrize(
    ("outputs", "dofs"), [(10, (300,)), (2, (150,)), (10, (150,) * 3), (40, (300,) * 5), (10, (150,) * 9)]
)
def test_products_of_wishart_matrices_grow_as_the_chain_says(outputs, dofs):
    rng = np.random.default_rng(2)
    tops = []
    for _ in range(200):
        gram = np.eye(outputs)
        for nu in dofs:
            drawn = np.linalg.cholesky(gram) @ rng.standard_normal((outputs, nu))
            gram = drawn @ drawn.T / nu
        tops.append(np.linalg.eigvalsh(gram)[-1])
    deviation = sqrt(sum((1.268 * s / j) ** 2 for s, j in (tracy_widom(outputs, nu) for nu in dofs)))

    assert chain(outputs, dofs) == pytest.approx(np.mean(tops), rel=0.05)
    assert deviation == pytest.approx(np.std(np.log(tops)), rel=0.2)  # 200 draws: 5 %


def test_one_wishart_matrix_has_marchenko_and_pasturs_edge():
    assert edge([0.3]) == pytest.approx((1 + sqrt(0.3)) ** 2, rel=1e-6)


@pytest.mark.parametrize(
    ("channels", "row"), [(2, (0.905, 0.797, 0.632)), (3, (0.957, 0.900, 0.784)), (8, (0.994, 0.984, 0.959))]
)
def test_the_mixture_over_small_groups(channels, row):
    rng = np.random.default_rng(3)
    for chi, expected in zip((0.2, 0.5, 0.8), row, strict=True):
        u = sqrt(chi) * rng.standard_normal((60_000, channels))
        m = u - u.mean(1, keepdims=True)
        variance = 1 - chi + (m**2).mean(1, keepdims=True)
        m /= np.sqrt(variance)
        own = np.sqrt((1 - chi) / variance)
        p = norm.cdf(m / own)
        h = m * p + own * norm.pdf(m / own)
        matrix = np.eye(channels) * p[:, :, None] - p[:, None, :] / channels - m[:, :, None] * h[:, None, :] / channels
        true = np.mean((matrix**2).sum((1, 2)) / channels / variance[:, 0])
        c = np.mean(m**2)
        b, z, kz = j0(c), j1(c), j1(c) - c * j0(c)
        inner = b - (2 * c * b + 2 * c * kz) / channels + (c * z + 2 * c * c * (b + kz) / channels) / channels

        assert true / (np.mean(1 / variance) * (1 - 1 / channels) * inner) == pytest.approx(expected, abs=0.006)


@pytest.mark.parametrize(
    ("variance", "overlap", "first", "resummed"), [(0.25, 1.275, 1.246, 1.279), (1.0, 2.48, 1.98, 2.68)]
)
def test_overlaps_of_attention(variance, overlap, first, resummed):
    tokens = 64
    weights = np.exp(sqrt(variance) * np.random.default_rng(4).standard_normal((20_000, tokens)))
    weights /= weights.sum(axis=1, keepdims=True)

    assert tokens * np.mean((weights**2).sum(axis=1)) == pytest.approx(overlap, rel=0.01)
    assert 1 + variance * (1 - 1 / tokens) == pytest.approx(first, abs=0.006)
    assert 1 + (exp(variance * (1 - 1 / tokens)) - 1) == pytest.approx(resummed, abs=0.01)


def test_a_bilinear_layer_conserves_its_curvature_squared_less_4_f_squared():
    start = np.random.default_rng(5).standard_normal(10)

    def flow(_, y):
        residual = y[:5] @ y[5:] - 3.0
        return np.concatenate((-residual * y[5:], -residual * y[:5]))

    path = solve_ivp(flow, (0.0, 5.0), start, rtol=1e-10, atol=1e-12).y.T
    kept = [(y @ y) ** 2 - 4 * (y[:5] @ y[5:]) ** 2 for y in path]

    assert kept == pytest.approx([kept[0]] * len(kept), rel=1e-6)


@pytest.mark.parametrize("depth", [1, 3, 6])
def test_the_chord_bounds_the_kernel_of_structured_samples(depth):
    rng = np.random.default_rng(6)
    x = rng.standard_normal((80, 12)) + 2 * rng.standard_normal(12)
    x /= np.linalg.norm(x, axis=1, keepdims=True)

    def tangent(c):
        total, value = c, c
        for _ in range(depth):
            slope, value = 2 * j0(value), 2 * j1(value)
            total = total * slope + value
        return total

    gram = np.clip(x @ x.T, -1, 1)
    top = np.linalg.eigvalsh(np.vectorize(tangent)(gram))[-1] / 80
    share = np.linalg.eigvalsh(gram)[-1] / 80

    assert top <= tangent(0.0) + share * (tangent(1.0) - tangent(0.0)) <= 1.7 * top


def test_the_reference_network_of_the_first_step_of_adam():
    widths, batch, outputs = (64, 160, 160, 160, 10), 64, 10
    k1, k2, moments = plain(widths, 2.0, 0.0, 0.478, bias=1)
    q, q_xy = moments[-1]
    mean_sq, all_sq = outputs * q_xy + 1 / outputs, outputs * q + 1
    own = all_sq - mean_sq
    sizes = np.array([b * (a + 1) for a, b in pairwise(widths)])
    sides = [0.8] + [sqrt(v / (2 * pi)) / sqrt(v * j1(w / v)) for v, w in moments[:-1]]
    slopes = [sqrt(2 / pi) * 0.5 / sqrt(j0(w / v)) for v, w in moments[:-1]] + [1.0]
    kc = np.array(sides) * slopes
    squared = k2 * mean_sq + k1 * own / batch
    kappa = (kc * k2 * mean_sq + sqrt(2 / pi) * k1 * own / batch) / squared
    entry = kappa * np.sqrt(sizes)
    deviation = sqrt(q_xy)
    absolute = deviation * sqrt(2 / pi) * exp(-0.01 / 2 / q_xy) + 0.1 * (1 - 2 * norm.cdf(-0.1 / deviation))
    u1 = outputs * absolute / sqrt(mean_sq * outputs)
    gradient = (entry * np.sqrt(squared))[:-1].sum() + u1 * (entry * np.sqrt(squared))[-1]
    coherent = entry * k2 * sqrt(mean_sq + own / batch) / np.sqrt(squared)
    single = (entry * (k1 - k2) * sqrt(own) / batch / np.sqrt(squared)).sum()
    noise = outputs * ((1 - kappa**2) * k1).sum()
    hidden, last = coherent[:-1].sum(), coherent[-1]
    response = hidden**2 + last**2 + 2 * u1 * hidden * last + single**2 + noise

    assert k1 == pytest.approx([65, 161, 161, 161])
    assert k2 == pytest.approx([10.75, 49.65, 79.98, 117.9], rel=1e-3)
    assert kc == pytest.approx([0.556, 0.493, 0.452, 0.660], abs=6e-4)
    assert (gradient, hidden, last, single, noise) == pytest.approx((6345, 1400, 288, 30.2, 3831), rel=2e-3)
    assert 2 * gradient / response == pytest.approx(4.718e-3, rel=1e-3)
