"""The standard normal law against scipy, and its draws against what normal numbers have."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special, stats

from lrbound.meanfield import normal


def test_distribution_function_is_good_in_the_tails_too() -> None:
    z = np.linspace(-8.5, 8.5, 20001)
    assert normal.cdf(z) == pytest.approx(special.ndtr(z), rel=1e-7)
    assert normal.cdf(z) == pytest.approx(special.ndtr(z), rel=0.0, abs=1e-11)


def test_beyond_the_table_nothing_is_left() -> None:
    assert normal.cdf(np.array([-40.0, 40.0])) == pytest.approx([0.0, 1.0], abs=1e-15)


def test_quantiles_invert_it() -> None:
    tail = np.logspace(-15.0, np.log10(0.5), 4001)
    assert normal.quantile(tail) == pytest.approx(special.ndtri(tail), abs=1e-7)
    upper = 1.0 - tail[tail > 1e-9]
    assert normal.quantile(upper) == pytest.approx(special.ndtri(upper), abs=1e-6)


def test_quantiles_of_certainty_are_finite() -> None:
    assert np.isfinite(normal.quantile(np.array([0.0, 1.0]))).all()


def test_draws_are_standard_normal_and_independent() -> None:
    drawn = normal.draws(3, (200, 500))
    assert stats.kstest(drawn.ravel(), "norm").pvalue > 1e-3
    assert abs(stats.kurtosis(drawn.ravel())) < 0.05
    assert np.abs(np.corrcoef(drawn) - np.eye(200)).max() < 6.0 / np.sqrt(500.0)
    neighbours = np.corrcoef(drawn.ravel()[:-1], drawn.ravel()[1:])[0, 1]
    assert abs(neighbours) < 5.0 / np.sqrt(drawn.size)


def test_other_seeds_give_other_draws_and_the_same_seed_the_same() -> None:
    one, again, other = (normal.draws(seed, (1000,)) for seed in (0, 0, 1))
    assert np.array_equal(one, again)
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.2
