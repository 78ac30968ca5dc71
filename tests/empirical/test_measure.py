from __future__ import annotations

import json
import math
import statistics
from pathlib import Path

import numpy as np
import pytest
import torch

import lrbound
from lrbound.empirical import measure as module
from lrbound.empirical import memory
from lrbound.empirical.batches import FULL_BATCH, DataBatches, GaussianBatches
from lrbound.empirical.measure import Setting, measure
from lrbound.errors import Refused
from lrbound.input_law import Input
from tests.nets import dense, network

REFERENCE = Path(__file__).parents[1] / "reference"
SMALL = network(
    "- linear: 12\n- batch_norm\n- relu\n- dropout: 0.3\n- linear: 3",
    head="input: {shape: [6]}\ntraining: {batch_size: 16}",
)


def values(net=SMALL, **options) -> list[float]:
    return [sample.lambda_max for sample in measure(net, **options)]


@pytest.mark.parametrize("name", ["fc-bn-relu-b16", "fc-relu-pytorch-init", "fc-bn-tanh"])
def test_agrees_with_the_reference_measurements(name):
    """Provenance: tests/reference/measured.json, made by an independent program from the same specs."""
    reference = json.loads((REFERENCE / "measured.json").read_text())[name]
    found = values(lrbound.load(REFERENCE / "specs" / f"{name}.yaml"), seeds=4, seed=1)
    error = reference["std"] * math.sqrt(1 / 4 + 1 / len(reference["values"]))

    assert statistics.fmean(found) == pytest.approx(reference["mean"], abs=3.0 * error)


def test_the_seed_fixes_everything_and_more_seeds_start_with_the_same():
    assert values(seeds=2, seed=5) == values(seeds=3, seed=5)[:2]
    assert values(seeds=1, seed=5) != values(seeds=1, seed=6)
    assert len(set(values(seeds=3))) == 3


def test_the_random_state_of_torch_is_left_alone():
    before = torch.random.get_rng_state()
    values(seeds=1)

    assert torch.equal(torch.random.get_rng_state(), before)


def test_single_precision_is_good_to_1e_4():
    net = dense(widths=(60, 60, 60), gamma=None, inputs=50, batch=64)
    single, double = (values(net, seeds=1, setting=Setting(dtype=dtype)) for dtype in ("float32", "float64"))

    assert single == pytest.approx(double, rel=1e-4)


def test_a_full_batch_is_256_samples_unless_a_number_is_given():
    net = dense(widths=(5,), inputs=4, outputs=2)

    assert Setting().size(net) == FULL_BATCH == 256
    assert Setting(samples=30).size(net) == 30
    assert Setting().size(SMALL) == 16


def test_gaussian_inputs_have_the_statistics_of_the_spec():
    x = GaussianBatches(Input((40, 10, 10), mean_square=2.5, correlation=0.3)).draw(50, seed=1)
    gram = np.einsum("aijk,bijk->ab", x, x) / 4000

    assert x.shape == (50, 40, 10, 10)
    assert np.diag(gram).mean() == pytest.approx(2.5, rel=0.03)
    assert gram[np.triu_indices(50, 1)].mean() == pytest.approx(0.75, rel=0.05)


def test_data_are_drawn_without_replacement():
    data = np.arange(20.0).reshape(10, 2)
    drawn = DataBatches(data).draw(10, seed=0)

    assert sorted(drawn[:, 0]) == list(data[:, 0])
    with pytest.raises(Refused, match=r"a batch of 11 samples was asked for and the data has 10; use --samples 10"):
        DataBatches(data).draw(11, seed=0)


def test_data_take_the_place_of_white_inputs():
    data = np.random.default_rng(0).standard_normal((16, 6))
    setting = Setting(batches=DataBatches(data))
    scaled = Setting(batches=DataBatches(3.0 * data))
    net = network("- linear: {features: 2, bias: false}", head="input: {shape: [6]}\ntraining: {batch_size: 16}")

    # all 16 samples of a linear map: lambda is that of the data's covariance, whatever the weights are
    expected = np.linalg.eigvalsh(data.T @ data / 16)[-1]
    assert values(net, seeds=2, setting=setting) == pytest.approx([expected] * 2, rel=1e-5)
    assert values(net, seeds=1, setting=scaled) == pytest.approx([9.0 * expected], rel=1e-5)


def test_what_does_not_fit_is_refused_before_it_starts(monkeypatch):
    monkeypatch.setattr(memory, "available", lambda device: 2**30)
    monkeypatch.setattr(module, "measure_one", lambda *_: pytest.fail("it started"))
    net = dense(batch=100_000)

    with pytest.raises(Refused, match=r"measuring on 100000 samples needs about [\d.]+ GiB \(parameters 0.0209, .*"
                       r"on the cpu, 1 GiB are free; use fewer samples \(--samples\) or --dtype float32"):  # fmt: skip
        values(net, seeds=1, setting=Setting(dtype="float64"))
    with pytest.raises(Refused, match=r"use fewer samples \(--samples\)$"):
        values(net, seeds=1)


def test_a_measurement_that_fits_is_not_refused(monkeypatch):
    monkeypatch.setattr(memory, "available", lambda device: None)
    assert len(values(seeds=1)) == 1


def test_the_estimate_counts_parameters_and_activations():
    found = memory.estimate(dense(widths=(100,), gamma=None, inputs=50, batch=8), samples=8, itemsize=4)

    assert found.parameters == 4 * (51 * 100 + 101 * 10)
    assert found.activations == 4 * 8 * (100 + 100 + 10)


def test_free_memory_is_known_here():
    assert memory.available("cpu") > 2**20


def test_a_missing_gpu_is_a_refusal(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(Refused, match="no CUDA device"):
        values(seeds=1, setting=Setting(device="cuda"))


def test_values_that_overflow_are_a_refusal():
    net = network("- repeat: {times: 40, layers: [{linear: 20}, relu]}\n- linear: 2",
                  head="input: {shape: [20]}\ninit: {weight_variance: 1.0e4}\ntraining: {batch_size: 4}")  # fmt: skip
    with pytest.raises(Refused, match="the values of the network overflow float32; try --dtype float64"):
        values(net, seeds=1)


def test_a_batch_of_one_under_batch_norm_is_a_refusal():
    with pytest.raises(Refused, match="the network does not run on 1 samples: Expected more than 1 value"):
        values(seeds=1, setting=Setting(samples=1))
