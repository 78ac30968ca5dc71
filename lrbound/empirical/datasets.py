"""Data to train on: scikit-learn's digits, a file of arrays, or a random teacher on white inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lrbound.empirical.data_file import read_samples
from lrbound.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from lrbound.losses.base import Targets
    from lrbound.meanfield.contract import Shape
    from lrbound.network import Network

TEACHER_SAMPLES = 1024
TEACHER_UNITS = 64
DIGITS = (64, 10)
"""Features and classes of scikit-learn's digits."""


@dataclass(frozen=True)
class Dataset:
    """Samples and targets of one network.

    Attributes
    ----------
    name : str
        Where they come from, in words.
    x : ndarray of float32, shape (n, *input shape)
    y : ndarray
        Targets of shape (n, outputs) in float32, or class indices of shape (n,) in int64, as the loss wants them.
    """

    name: str
    x: NDArray[np.float32]
    y: NDArray[np.float32] | NDArray[np.int64]

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.x)


def load_data(network: Network, source: str | None = None, *, samples: int | None = None, seed: int = 0) -> Dataset:
    """Return data of the network's shapes.

    Parameters
    ----------
    network : Network
    source : {"digits", "teacher"} or path of an .npz file, optional
        Without it digits where the shapes are theirs (64 or 1x8x8 values, 10 outputs), otherwise a teacher.

        digits: all pixels together standardised to mean 0 and mean square 1, as one channel of an image is; two
        samples then have a correlation of 0.48, which a spec should say. Targets are one-hot.
        teacher: Gaussian inputs with the spec's mean square and correlation; targets from a random tanh network with
        one hidden layer, of variance 1 in each output; its largest output for a loss of classes, their signs for one of bits.
        A file has the arrays ``x`` (n, ...) and ``y``: class indices (n,), or targets (n, outputs).
    samples : int, optional
        So many are drawn; without it all, or 1024 from a teacher.
    seed : int
        Fixes which samples are drawn, and the teacher.

    Returns
    -------
    Dataset

    Raises
    ------
    Refused
        Where the data cannot be read or do not fit.
    """
    rng = np.random.default_rng(seed)
    if source is None:
        source = "digits" if _digits_fit(network) else "teacher"
    if source == "teacher":
        return _teacher(network, samples or max(TEACHER_SAMPLES, 4 * (network.training.batch_size or 0)), rng)
    name, x, y = _digits(network) if source == "digits" else _file(source, network.input.shape)
    targets = _targets(y, network)
    if len(x) != len(targets):
        raise Refused(f"{name}: x has {len(x)} samples and y {len(targets)}")
    if samples is not None and samples < len(x):
        chosen = rng.permutation(len(x))[:samples]
        x, targets = x[chosen], targets[chosen]
    return Dataset(name, x.reshape(len(x), *network.input.shape).astype(np.float32), targets)


def _digits_fit(network: Network) -> bool:
    return network.input.shape in {(64,), (1, 8, 8)} and network.outputs == DIGITS[1]


def _digits(network: Network) -> tuple[str, NDArray[np.float64], NDArray[np.int64]]:
    from sklearn.datasets import load_digits

    features, classes = DIGITS
    if not _digits_fit(network):
        raise Refused(
            f"digits have inputs of [{features}] or [1, 8, 8] and {classes} classes; the spec has "
            f"{list(network.input.shape)} and {network.outputs} outputs: use --data teacher or a file"
        )
    images, classes_of = load_digits(return_X_y=True)
    return "digits", (images - images.mean()) / images.std(), classes_of


def _file(path: str, shape: Shape) -> tuple[str, NDArray[np.float64], NDArray[np.generic]]:
    x = read_samples(path, shape)
    content = np.load(path, allow_pickle=False)
    if isinstance(content, np.ndarray) or "y" not in content:
        raise Refused(f"{path}: has no array 'y' with the targets; numpy.savez(path, x=..., y=...) writes both")
    try:
        return path, x, content["y"]
    except ValueError:
        raise Refused(f"{path}: y is not an array of numbers") from None


def _teacher(network: Network, samples: int, rng: np.random.Generator) -> Dataset:
    law = network.input
    shared = min(max(law.correlation, 0.0), 1.0)
    features = int(np.prod(law.shape))
    white = np.sqrt(1.0 - shared) * rng.standard_normal((samples, features))
    white += np.sqrt(shared) * rng.standard_normal(features)
    hidden = np.tanh(white @ rng.standard_normal((features, TEACHER_UNITS)) / np.sqrt(features))
    y = hidden @ rng.standard_normal((TEACHER_UNITS, network.outputs))
    y = (y - y.mean(axis=0)) / np.maximum(y.std(axis=0), 1e-12)
    x = (np.sqrt(law.mean_square) * white).reshape(samples, *law.shape).astype(np.float32)
    return Dataset("a random teacher", x, _OF_TEACHER[network.training.loss.targets](y))


def _targets(y: NDArray[np.generic], network: Network) -> NDArray[np.float32] | NDArray[np.int64]:
    outputs = network.outputs
    loss = network.training.loss
    classes = loss.targets == "classes"
    if y.ndim == 0 or not len(y):
        raise Refused("y has no samples")
    if y.ndim == 1 and y.dtype.kind in "iu" and outputs > 1:
        indices = y.astype(np.int64)
        if indices.min() < 0 or indices.max() >= outputs:
            raise Refused(f"y has classes {indices.min()} to {indices.max()}; the spec has {outputs} outputs")
        return indices if classes else np.eye(outputs, dtype=np.float32)[indices]
    if classes:
        raise Refused(f"y must hold class indices, of shape [samples], for {loss.kind}; got {list(y.shape)}")
    if y.size != len(y) * outputs or y.dtype.kind not in "biuf" or not np.isfinite(y.astype(np.float64)).all():
        raise Refused(
            f"y has the shape {list(y.shape)}; the spec needs finite numbers of [samples, {outputs}], or class indices"
        )
    targets = y.reshape(len(y), outputs).astype(np.float32)
    if loss.targets == "bits" and (targets.min() < 0.0 or targets.max() > 1.0):
        raise Refused(f"y must be from 0 to 1 for {loss.kind}; got {targets.min():g} to {targets.max():g}")
    return targets


_OF_TEACHER: dict[Targets, Callable[[NDArray[np.float64]], NDArray[np.float32] | NDArray[np.int64]]] = {
    "classes": lambda y: y.argmax(axis=1),
    "values": lambda y: y.astype(np.float32),
    "bits": lambda y: (y > 0.0).astype(np.float32),
}
"""From a teacher's outputs to targets."""
