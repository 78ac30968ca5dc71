"""What the solver leaves out or computes once, against the whole."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from lrbound import load
from lrbound.backward.sweep import backward
from lrbound.curvature.fisher import spectrum
from lrbound.forward.infinite_batch import MANY_SAMPLES, last_memory
from lrbound.forward.sweep import advance, entrance
from lrbound.layers.base import Context
from lrbound.meanfield import law
from lrbound.meanfield.pairs import pairs
from lrbound.rate.minibatch import explosive

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize("name", ["resnet18", "vgg16-bn", "mobilenetv2"])
def test_infinite_batch_from_the_last_memory(name: str) -> None:
    """K2 and K1 of the head at an infinite batch, from a kernel of the smallest batch that may serve, within 1e-5."""
    network = load(EXAMPLES / f"{name}.yaml")
    start = entrance(network)
    small, infinite = (
        Context(samples, through=True, init=network.init, warn=lambda _: None) for samples in (MANY_SAMPLES, math.inf)
    )
    at = last_memory(start.nodes, MANY_SAMPLES)
    below, place = advance(start, small, at)
    terms = list(backward(below + advance(place, small)[0], small.samples))
    short, whole = (
        spectrum(explosive(backward(advance(origin, infinite)[0], math.inf), terms), math.inf)
        for origin in (place, start)
    )

    assert 0 < at < len(start.nodes)
    assert last_memory(start.nodes, MANY_SAMPLES - 1) == 0
    assert short.coherent == pytest.approx(whole.coherent, rel=1e-5)
    assert short.trace == pytest.approx(whole.trace, rel=1e-5)


@pytest.mark.parametrize("transposed", [True, False])
def test_equal_pairs_are_taken_once(*, transposed: bool) -> None:
    """P(both above) on one pair of each set, spread out, is the same as on all pairs."""
    rng = np.random.default_rng(0)
    share, r = rng.uniform(0.3, 0.9, (4, 4)), rng.uniform(-0.5, 0.5, (2, 4, 4, 4, 4))
    r = 0.5 * (r + r.transpose(0, 2, 1, 4, 3))
    if transposed:
        share, r = 0.5 * (share + share.T), 0.5 * (r + r.transpose(0, 3, 4, 1, 2))
    differ = pairs(r, share)

    ends = (law.threshold(end) for end in differ.ends(share))
    found = differ.spread(law.both_above(*ends, differ.pick(r)))

    assert found == pytest.approx(
        law.both_above(law.threshold(share[:, None, :, None]), law.threshold(share[None, :, None, :]), r), rel=1e-12
    )
    assert len(differ.entry) == (76 if transposed else 136)


@pytest.mark.parametrize("largest", [0.3, 0.9])
def test_terms_left_out_of_a_pair_moment(largest: float) -> None:
    """E relu(z) relu(z') of correlated pairs with and without the small terms, to 1e-7."""
    r = np.linspace(-largest, largest, 21)
    found, missed = law.coefficients(np.maximum(law.NODES, 0.0))
    kept = law.leading_terms(found, r)

    few = law.pair_moment((kept, missed), (kept, missed), r)[0]

    assert kept.size < found.size
    assert few == pytest.approx(law.pair_moment((found, missed), (found, missed), r)[0], abs=1e-7)
