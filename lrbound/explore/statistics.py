"""What a spec wants to know about data, in one pass over them and in constant memory."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from lrbound.errors import Refused
from lrbound.notices import Notice

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from lrbound.data.base import Samples
    from lrbound.input_law import Input

    Array = NDArray[np.float64]

BLOCK = 1 << 22
"""Numbers that are turned into float64 at a time."""
KEPT, MOST_KEPT = 512, 1 << 24
"""Samples whose Gram matrix gives the principal components, and the most numbers that they may have."""
MOST_CLASSES = 10_000


@dataclass(frozen=True)
class Statistics:
    """Statistics of samples; None stands for what these data do not have (see ``warnings``).

    Attributes
    ----------
    name : str
        Where they come from.
    samples : int
    shape : tuple of int
        Of one sample.
    mean_square : float
        E[x_i^2].
    correlation : float or None
        Mean of x.y / (N mean_square) over all pairs of different samples, N numbers each.
    top_share : float or None
        Largest eigenvalue of the samples' Gram matrix over its trace, of at most 512 samples.
    centred_share : float or None
        The same after each feature's mean (on images, each channel's) has been subtracted.
    norm_kurtosis : float or None
        E|x|^4 / E[|x|^2]^2.
    effective_features : float or None
        Of flat features: 1 over the mean square cosine between two samples, without their means and first component.
    mean_share : float or None
        Variance between images of an image's own mean, by channel, over ``mean_square``.
    channel_correlation : float or None
        Correlation between channels of the images' own means.
    features : int
        Numbers in a sample.
    target_scale : float or None
        Root mean square of a sample's target (1 for classes, which are one-hot targets).
    target_mean_share : float or None
        Of targets that are numbers: squared norm of their mean by their mean square.
    classes : int or None
        Number of classes, where the targets are classes.
    warnings : tuple of Notice
    """

    name: str
    samples: int
    shape: tuple[int, ...]
    mean_square: float
    correlation: float | None
    top_share: float | None = None
    centred_share: float | None = None
    norm_kurtosis: float | None = None
    effective_features: float | None = None
    mean_share: float | None = None
    channel_correlation: float | None = None
    features: int = 0
    target_scale: float | None = None
    target_mean_share: float | None = None
    classes: int | None = None
    warnings: tuple[Notice, ...] = ()

    def law(self, shape: tuple[int, ...]) -> Input:
        """Return the law of a network's input of ``shape`` that has these statistics.

        Raises
        ------
        Refused
            Where the samples have another size, or are all zeros.
        """
        from lrbound.input_law import Input

        if math.prod(self.shape) != math.prod(shape):
            raise Refused(f"samples of shape {list(shape)} are needed, got {list(self.shape)}")
        if not self.mean_square > 0.0:
            raise Refused("the data is all zeros")
        known = {name: value for name in LAW if (value := getattr(self, name)) is not None}
        if len(shape) != 3:
            known = {name: value for name, value in known.items() if name not in OF_IMAGES}
        known["correlation"] = max(known.get("correlation", 0.0), 0.0)
        return Input(shape, self.mean_square, **known)


OF_IMAGES = ("mean_share", "channel_correlation")
LAW = ("correlation", "top_share", "centred_share", "norm_kurtosis", "effective_features", *OF_IMAGES)
"""Fields of a spec's ``input`` that data determine, beside shape and mean square."""


def statistics(samples: Samples | NDArray[np.generic], name: str = "", targets: Samples | None = None) -> Statistics:
    """Return the statistics of samples.

    The sum over pairs of x.y is |sum of x|^2 less the sum of |x|^2; principal components are those of at most 512 samples,
    drawn evenly on the way.

    Parameters
    ----------
    samples : Samples, or ndarray (n, ...)
    name : str
        What to call an array.
    targets : Samples, optional
        One target a sample; without it the labels that the samples' file has, if any.

    Raises
    ------
    Refused
        Where there are no samples, or numbers that are not finite.
    """
    import numpy as np

    if isinstance(samples, np.ndarray):
        samples = _of_array(samples, name)
    if not samples.shape:
        raise Refused("samples by features are needed, got a list of numbers")
    sums, labels = _Sums(samples.shape), _Labels()
    for block in samples.blocks():
        sums.take(block.x)
        if targets is None and block.labels is not None:
            labels.add(block.labels)
    if not sums.count:
        raise Refused("holds no samples")
    if not math.isfinite(sums.squares) or not math.isfinite(sums.fourth):
        raise Refused("some values are not finite, or too large to square")
    if targets is not None:
        for block in targets.blocks():
            labels.add(block.x)
    if labels.count not in (0, sums.count):
        raise Refused(f"{labels.count} targets for {sums.count} samples")
    return _finished(samples, sums, labels)


def _of_array(data: NDArray[np.generic], name: str) -> Samples:
    from lrbound.data.base import Block, Samples

    if data.ndim < 2 or data.size == 0:
        raise Refused(f"samples by features are needed, got an array of shape {list(data.shape)}")

    def blocks() -> Iterator[Block]:
        yield Block(data)

    return Samples(name, data.shape[1:], blocks)


def _finished(samples: Samples, sums: _Sums, labels: _Labels) -> Statistics:
    import numpy as np

    count, squares = sums.count, sums.squares
    scale, classes = labels.finished()
    warnings, correlation, found = [], None, dict[str, float | None]()
    if count == 1:
        warnings.append(Notice("LRB081", "correlation is null: one sample has no pairs"))
    elif squares == 0.0:
        warnings.append(Notice("LRB081", "correlation is null: all values are 0"))
    else:
        correlation = float((np.square(sums.total).sum() - squares) / ((count - 1) * squares))
        if correlation < 0.0:
            warnings.append(Notice("LRB082", "correlation is negative; a spec takes at least 0, so leave it out"))
        found = sums.shares()
    return Statistics(
        samples.name,
        count,
        samples.shape,
        squares / (count * sums.features),
        correlation,
        **found,
        features=sums.features,
        target_scale=scale,
        target_mean_share=labels.mean_share() if scale is not None and classes is None else None,
        classes=classes,
        warnings=tuple(warnings),
    )


class _Sums:
    """Sums over the samples that have been seen, and some of them."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        import numpy as np

        self.shape, self.features = shape, math.prod(shape)
        if not self.features:
            raise Refused(f"samples by features are needed, got samples of shape {list(shape)}")
        self.count, self.squares, self.fourth = 0, 0.0, 0.0
        self.total = np.zeros(self.features)
        channels = shape[0] if len(shape) == 3 else 0
        self._means, self._means2 = np.zeros(channels), np.zeros((channels, channels))
        self._kept: Array = np.empty((max(min(KEPT, MOST_KEPT // self.features), 2), self.features), dtype=np.float32)
        self._rng = np.random.default_rng(0)

    def take(self, x: NDArray[np.generic]) -> None:
        """Take in some samples of any type, so many at a time that their float64 copies stay small."""
        import numpy as np

        if x.dtype.kind not in "biuf":
            raise Refused(f"numbers are needed, got an array of type {x.dtype}")
        step = max(BLOCK // self.features, 1)
        for start in range(0, len(x), step):
            self.add(np.asarray(x[start : start + step], dtype=np.float64))

    def add(self, x: Array) -> None:
        """Take in some samples."""
        import numpy as np

        flat = x.reshape(-1, self.features)
        with np.errstate(over="ignore", invalid="ignore"):
            norms = np.square(flat).sum(axis=1)
            self.total += flat.sum(axis=0)
            self.squares += float(norms.sum())
            self.fourth += float(np.square(norms).sum())
            if len(self._means):
                means = flat.reshape(len(flat), len(self._means), -1).mean(axis=2)
                self._means += means.sum(axis=0)
                self._means2 += means.T @ means
            self._keep(flat)
        self.count += len(flat)

    def _keep(self, flat: Array) -> None:
        """Keep each sample that has been seen with the same probability (Vitter 1985, algorithm R)."""
        import numpy as np

        room = len(self._kept)
        number = self.count + np.arange(len(flat))
        places = np.where(number < room, number, self._rng.integers(0, np.maximum(number, 1), endpoint=True))
        for row in np.flatnonzero(places < room):
            self._kept[places[row]] = flat[row]

    def shares(self) -> dict[str, float | None]:
        """Return what is known of principal components, norms and images' means."""
        import numpy as np

        kept = self._kept[: min(self.count, len(self._kept))].astype(np.float64)
        mean = self.total / self.count
        if len(self._means):
            mean = np.repeat(self._means / self.count, self.features // len(self._means))
        found: dict[str, float | None] = {
            "top_share": _top(kept),
            "centred_share": _top(kept - mean),
            "norm_kurtosis": max(self.fourth * self.count / self.squares**2, 1.0),
            "effective_features": _effective(kept - mean),
        }
        if len(self._means):
            covariance = self._means2 / self.count - np.outer(self._means, self._means) / self.count**2
            own = float(np.trace(covariance)) / len(covariance)
            found["mean_share"] = max(own, 0.0) / (self.squares / (self.count * self.features))
            if len(covariance) > 1 and own > 0.0:
                apart = (float(covariance.sum()) / len(covariance) - own) / ((len(covariance) - 1) * own)
                found["channel_correlation"] = min(max(apart, 0.0), 1.0)
        return found


def _top(x: Array) -> float | None:
    """Return the share of the largest eigenvalue of x x'; None where x is 0."""
    import numpy as np

    gram = x @ x.T if len(x) <= x.shape[1] else x.T @ x
    trace = float(np.trace(gram))
    return min(float(np.linalg.eigvalsh(gram)[-1]) / trace, 1.0) if trace > 0.0 else None


def _effective(x: Array) -> float | None:
    """Return 1/E cos^2 of two rows of x without their first principal component; None where nothing else is left."""
    import numpy as np

    values, vectors = np.linalg.eigh(x @ x.T)
    rest = (vectors[:, :-1] * values[:-1]) @ vectors[:, :-1].T
    own = np.diagonal(rest)
    seen = own > 1e-9 * float(values[-1] if len(values) else 0.0) / max(len(x), 1)
    if seen.sum() < 2:
        return None
    rest, own = rest[seen][:, seen], own[seen]
    cosines = np.square(rest) / np.outer(own, own)
    count = len(own)
    mean = (float(cosines.sum()) - float(np.trace(cosines))) / (count * (count - 1))
    return float(min(max(1.0 / mean, 1.0), x.shape[1])) if mean > 0.0 else None


class _Labels:
    """Targets: classes (texts, or whole numbers from 0 without a gap), or numbers."""

    def __init__(self) -> None:
        self.count, self._squares, self._single = 0, 0.0, True
        self._total: Array | float = 0.0
        self._seen: set[str] | None = set()
        self._numbers = True

    def add(self, labels: NDArray[np.generic]) -> None:
        """Take in some targets, along the first axis."""
        import numpy as np

        self.count += len(labels)
        self._single &= labels.ndim == 1 or labels[0].size == 1
        if self._seen is not None and self._single:
            self._seen.update(map(_plain, np.unique(labels).tolist()))
            self._seen = self._seen if len(self._seen) <= MOST_CLASSES else None
        try:
            numbers = labels.astype(np.float64)
            self._squares += float(np.square(numbers).sum())
            self._total = self._total + numbers.sum(axis=0)
        except ValueError:
            self._numbers = False

    def mean_share(self) -> float | None:
        """Return the squared norm of the mean of targets that are numbers, by their mean square; None where all are 0."""
        import numpy as np

        return float(np.square(self._total).sum()) / (self.count * self._squares) if self._squares > 0.0 else None

    def finished(self) -> tuple[float | None, int | None]:
        """Return the targets' scale and the number of classes."""
        if not self.count:
            return None, None
        seen = self._seen if self._single and self._seen is not None else set[str]()
        whole = {str(number) for number in range(len(seen))}
        if len(seen) > 1 and len(seen) < self.count and (not self._numbers or seen == whole):
            return 1.0, len(seen)
        if not self._numbers:
            raise Refused("targets are neither numbers nor at most 10,000 classes")
        if not math.isfinite(self._squares):
            raise Refused("some targets are not finite")
        return math.sqrt(self._squares / self.count), None


def _plain(value: object) -> str:
    """Return a class's name, the same for 1, 1.0 and their texts."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return str(value)
    return str(int(number)) if number.is_integer() else str(number)


def spec_lines(found: Statistics) -> dict[str, object]:
    """Return the entries of a spec's ``input`` that state these statistics, by name."""
    shape = [1, *found.shape] if len(found.shape) == 2 else list(found.shape)
    if len(shape) not in (1, 3) or not found.mean_square:
        return {}
    lines: dict[str, object] = {"shape": shape, "mean_square": float(f"{found.mean_square:.6g}")}
    names = [one.name for one in fields(found) if one.name in LAW]
    for name in names:
        value = getattr(found, name)
        if value is not None and (name != "correlation" or value > 0.0):
            lines[name] = float(f"{value:.6g}")
    return lines
