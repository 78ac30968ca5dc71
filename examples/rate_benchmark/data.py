"""Data sets of the benchmark: what scikit-learn installs, and three that are made here, all without a download."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np

from lrbound.empirical.datasets import Dataset
from lrbound.explore.statistics import statistics

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Arrays = tuple[NDArray[np.float64], NDArray[np.generic]]

SEED = 14
"""Of every data set that is drawn."""
SAMPLES = 1024
SIDE = 8
"""Pixels along an image of the made image sets."""
CLASSES = 5
"""Of the 1/f images."""
PRESENTED = 256
"""Samples whose Gram matrix gives the shares of the top component."""


def digits() -> Arrays:
    """Return scikit-learn's digits, standardised as one channel of an image, and their classes."""
    from sklearn.datasets import load_digits

    images, classes = load_digits(return_X_y=True)
    return ((images - images.mean()) / images.std()).reshape(-1, 1, 8, 8), classes


def large_digits() -> Arrays:
    """Return digits with every pixel doubled along both axes: 16x16."""
    images, classes = digits()
    return images.repeat(2, axis=2).repeat(2, axis=3), classes


def cancer() -> Arrays:
    """Return scikit-learn's breast cancer table: 30 features, each standardised, and 2 classes."""
    from sklearn.datasets import load_breast_cancer

    features, classes = load_breast_cancer(return_X_y=True)
    return _standardised(features), classes


def wine() -> Arrays:
    """Return scikit-learn's wine table: 13 features, each standardised, and 3 classes."""
    from sklearn.datasets import load_wine

    features, classes = load_wine(return_X_y=True)
    return _standardised(features), classes


def diabetes() -> Arrays:
    """Return scikit-learn's diabetes table: 10 features, each standardised; targets from 25 to 346."""
    from sklearn.datasets import load_diabetes

    features, progression = load_diabetes(return_X_y=True)
    return _standardised(features), progression[:, None]


def housing() -> Arrays:
    """Return a table like California's housing: 8 features, most of them with heavy tails, and prices in thousands.

    Log-normal features of spread 0.5 to 1.2 that share half of their variance, two uniform ones for the place; the price is log-normal
    around a linear function of their logarithms.
    """
    rng = np.random.default_rng(SEED)
    common = rng.standard_normal((SAMPLES, 1))
    logs = np.sqrt(0.5) * (common + rng.standard_normal((SAMPLES, 6)))
    place = rng.uniform(-1.0, 1.0, (SAMPLES, 2))
    features = np.concatenate([np.exp(logs * np.linspace(0.5, 1.2, 6)), place], axis=1)
    price = 200.0 * np.exp(0.3 * logs[:, :3].sum(axis=1) / np.sqrt(3) + 0.2 * place[:, 0] ** 2)
    return _standardised(features), price[:, None]


def patches() -> Arrays:
    """Return colour patches of scikit-learn's two photographs, normalised by channel; the class is the photograph."""
    from sklearn.datasets import load_sample_images

    rng = np.random.default_rng(SEED)
    drawn, classes = [], rng.integers(2, size=SAMPLES)
    photographs = load_sample_images().images
    for photograph in (photographs[place] for place in classes):
        height, width, _ = photograph.shape
        top, left = rng.integers(height - SIDE), rng.integers(width - SIDE)
        drawn.append(photograph[top : top + SIDE, left : left + SIDE].transpose(2, 0, 1))
    return _by_channel(np.array(drawn, dtype=np.float64)), classes


def pink() -> Arrays:
    """Return images with amplitudes 1/f, their channels correlated by 0.8; classes from a random linear teacher."""
    rng = np.random.default_rng(SEED)
    frequency = np.hypot(np.fft.fftfreq(SIDE)[:, None], np.fft.fftfreq(SIDE)[None, :])
    frequency[0, 0] = 1.0 / SIDE
    common = rng.standard_normal((SAMPLES, 1, SIDE, SIDE))
    white = np.sqrt(0.8) * common + np.sqrt(0.2) * rng.standard_normal((SAMPLES, 3, SIDE, SIDE))
    images = _by_channel(np.fft.ifft2(np.fft.fft2(white) / frequency).real)
    scores = images.reshape(SAMPLES, -1) @ rng.standard_normal((images[0].size, CLASSES))
    return images, (scores / scores.std(axis=0)).argmax(axis=1)


def curve() -> Arrays:
    """Return one feature and targets from 0 to 9,800 of mean square 1.9e7."""
    u = np.random.default_rng(SEED).uniform(size=(SAMPLES, 1))
    return _standardised(u), 9800.0 * u**2


def large_features() -> Arrays:
    """Return 8 white features of mean square 100 and a noisy linear target of variance 1."""
    rng = np.random.default_rng(SEED)
    x = 10.0 * rng.standard_normal((SAMPLES, 8))
    y = x @ rng.standard_normal((8, 1)) / np.sqrt(800.0) + 0.3 * rng.standard_normal((SAMPLES, 1))
    return x, y / y.std()


def white() -> Arrays:
    """Return 784 white features; all targets are 0."""
    x = np.random.default_rng(SEED).standard_normal((SAMPLES, 784))
    return x, np.zeros((SAMPLES, 784))


def single() -> Arrays:
    """Return one white feature and a linear target."""
    x = np.random.default_rng(SEED).standard_normal((SAMPLES, 1))
    return x / np.sqrt(np.mean(x**2)), x


SETS: dict[str, Callable[[], Arrays]] = {
    made.__name__: made
    for made in (digits, large_digits, cancer, wine, diabetes, housing, patches, pink, curve, large_features, white, single)
}  # fmt: skip


@functools.cache
def arrays(name: str) -> Arrays:
    """Return samples and targets of a data set as it is."""
    return SETS[name]()


def dataset(name: str, shape: tuple[int, ...], samples: int | None, *, classes: bool, standardised: bool) -> Dataset:
    """Return a data set as a network takes it.

    Parameters
    ----------
    name : str
        One of ``SETS``.
    shape : tuple of int
        Of the network's input; samples are reshaped.
    samples : int or None
        So many, drawn with a fixed seed; None takes all.
    classes : bool
        Whether class targets stay indices, as cross-entropy takes them, or become one-hot.
    standardised : bool
        Whether targets that are numbers get mean 0 and variance 1.
    """
    x, y = arrays(name)
    if y.dtype.kind in "iu":
        targets: NDArray[np.generic] = y.astype(np.int64) if classes else np.eye(int(y.max()) + 1, dtype=np.float32)[y]
    else:
        targets = (_standardised(y.astype(np.float64)) if standardised else y).astype(np.float32)
    if samples is not None and samples < len(x):
        chosen = np.random.default_rng(SEED).permutation(len(x))[:samples]
        x, targets = x[chosen], targets[chosen]
    return Dataset(name, x.reshape(len(x), *shape).astype(np.float32), targets)  # type: ignore[arg-type]


def describe(data: Dataset) -> dict[str, float]:
    """Return the statistics of a data set by the names that a spec has for them.

    ``top_share`` is the largest eigenvalue of the Gram matrix by its trace, ``centred_share`` the same after every feature's mean is
    subtracted, ``norm_kurtosis`` is E[|x|^4]/E[|x|^2]^2, ``target_scale`` the root mean square of a sample's target vector, 1 for classes.
    """
    found = statistics(data.x, data.name)
    x = data.x.reshape(len(data), -1).astype(np.float64)
    norms = np.square(x).sum(axis=1)
    scale = 1.0 if data.y.dtype.kind == "i" else float(np.sqrt(np.square(data.y.astype(np.float64)).sum(axis=1).mean()))
    values = {
        "mean_square": found.mean_square,
        "correlation": max(found.correlation or 0.0, 0.0),
        "top_share": _top_share(x),
        "centred_share": _top_share(x - x.mean(axis=0)),
        "norm_kurtosis": float(np.square(norms).mean() / norms.mean() ** 2),
        "target_scale": scale,
    }
    return {name: float(f"{value:.4g}") for name, value in values.items()}


def target_mean_share(name: str, *, standardised: bool) -> float | None:
    """Return the squared norm of the mean target by the targets' mean square; None for classes."""
    y = arrays(name)[1]
    if y.dtype.kind in "iu":
        return None
    values = y.astype(np.float64)
    if standardised:
        values = _standardised(values)
    square = float(np.square(values).sum(axis=1).mean())
    return float(f"{np.square(values.mean(axis=0)).sum() / square:.4g}") if square > 0.0 else None


def _top_share(x: NDArray[np.float64]) -> float:
    x = x[:PRESENTED]
    eigenvalues = np.linalg.eigvalsh(x @ x.T)
    return float(eigenvalues[-1] / eigenvalues.sum())


def _standardised(x: NDArray[np.float64]) -> NDArray[np.float64]:
    result: NDArray[np.float64] = (x - x.mean(axis=0)) / x.std(axis=0)
    return result


def _by_channel(x: NDArray[np.float64]) -> NDArray[np.float64]:
    axes = (0, 2, 3)
    result: NDArray[np.float64] = (x - x.mean(axis=axes, keepdims=True)) / x.std(axis=axes, keepdims=True)
    return result
