"""What is read from a loader, in the forms in which batches come."""

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from lrbound.errors import Refused
from lrbound.explore.statistics import statistics
from lrbound.torch.batches import ENOUGH, batch_size_of, first_batches

X = torch.randn(96, 3, 8, 8, generator=torch.Generator().manual_seed(0))
Y = torch.arange(96) % 4


@pytest.mark.parametrize(
    "data",
    [
        DataLoader(TensorDataset(X, Y), batch_size=32),
        DataLoader(TensorDataset(X), batch_size=10),
        DataLoader([{"pixel_values": x, "labels": y} for x, y in zip(X, Y, strict=True)], batch_size=32),
        [(X[:50], Y[:50]), (X[50:], Y[50:])],
        [X[:50].numpy(), X[50:].numpy()],
        X,
        X.numpy(),
    ],
)
def test_all_forms_of_batches_have_the_statistics_of_the_array(data):
    found, truth = first_batches(data), statistics(X.numpy())

    assert found.shape == (3, 8, 8)
    assert found.samples == 96
    for name in ("mean_square", "correlation", "norm_kurtosis", "mean_share"):
        assert getattr(found, name) == pytest.approx(getattr(truth, name), abs=1e-6)


def test_targets_give_their_scale():
    assert first_batches([(X, Y)]).classes == 4
    assert first_batches([(X, torch.full((96, 2), 3.0))]).target_scale == pytest.approx(3.0 * np.sqrt(2.0), rel=1e-6)
    assert first_batches([(X[:48], Y[:48]), (X[48:], None)]).classes is None


def test_no_more_is_read_than_is_needed():
    read = []

    class Source(torch.utils.data.Dataset):
        def __len__(self):
            return 10**9

        def __getitem__(self, index):
            read.append(index)
            return torch.ones(5) * index

    first_batches(DataLoader(Source(), batch_size=100))

    assert ENOUGH <= len(read) < ENOUGH + 100


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (iter([X]), "is an iterator"),
        ([], "no batches"),
        ([{"tokens": X}], "none of the keys"),
        ([(["a", "b"], 1)], "a batch is a tuple"),
        ([torch.ones(5)], "no batch of samples"),
        ([X[:3], torch.full((3, 3, 8, 8), float("nan"))], "not finite"),
    ],
)
def test_what_is_no_loader_is_refused_in_words(data, words):
    with pytest.raises(Refused, match=words):
        first_batches(data)


def test_something_else_is_a_type_error():
    with pytest.raises(TypeError, match="data must be a loader"):
        first_batches(3)


def test_the_batch_size_is_that_of_the_loader_or_its_sampler():
    sampler = torch.utils.data.BatchSampler(torch.utils.data.SequentialSampler(X), 12, drop_last=False)
    assert batch_size_of(DataLoader(TensorDataset(X), batch_size=32)) == 32
    assert batch_size_of(DataLoader(TensorDataset(X), batch_sampler=sampler)) == 12
    assert batch_size_of([X]) is None
