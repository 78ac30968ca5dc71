"""The law of the samples: what is known of them, and what is typical where nothing is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

OF_IMAGES = ("mean_share", "channel_correlation")
KINDS: dict[str, dict[str, float]] = {
    "images": {"mean_share": 0.3, "channel_correlation": 0.9, "centred_share": 0.28, "norm_kurtosis": 1.2},
    "tabular": {"centred_share": 0.25, "norm_kurtosis": 3.0},
    "white": {},
}
"""Typical statistics. Images: natural images normalised by channel (the first principal component of CIFAR-10 has 29 % of the
variance); flat features of them likewise. Tabular: standardised tables, about the median of scikit-learn's wine, breast cancer,
diabetes, digits and a table made like California's houses (centred share 0.12 to 0.44, kurtosis 1.3 to 11)."""

DISTINCT = 1.05
"""By how much the top share must exceed the correlation to be that of another direction than the samples' mean."""


@dataclass(frozen=True)
class Input:
    """Law of the samples.

    Attributes
    ----------
    shape : tuple of int
        ``(features,)`` or ``(channels, height, width)``.
    mean_square : float
        E[x_i^2].
    correlation : float
        E[x_i y_i] / E[x_i^2] for two different samples x, y.
    top_share : float or None
        Largest eigenvalue of the Gram matrix of the samples, nothing subtracted, divided by its trace; None where it is not
        known.
    centred_share : float or None
        The same after the mean of each feature has been subtracted (on images the mean of each channel).
    norm_kurtosis : float or None
        E|x|^4 / E[|x|^2]^2; None where it is not known, and then no more than the other shares make it.
    effective_features : float or None
        Number of equal, independent features that white samples need to have the same mean square cosine between them as
        the samples beside the first principal component; None for the number of features itself.
    mean_share : float or None
        On images, variance between samples of an image's own mean, by channel, divided by E[x_i^2].
    channel_correlation : float or None
        Correlation between channels of the images' own means.
    """

    shape: tuple[int, ...]
    mean_square: float = 1.0
    correlation: float = 0.0
    top_share: float | None = None
    centred_share: float | None = None
    norm_kurtosis: float | None = None
    effective_features: float | None = None
    mean_share: float | None = None
    channel_correlation: float | None = None

    @property
    def top_component(self) -> float:
        """Share of E[x_i^2] in the first principal component, beside what all samples have in common."""
        if self.centred_share is not None:
            return self.centred_share * (1.0 - self.correlation)
        if self.top_share is not None and self.top_share > DISTINCT * self.correlation:
            return min(self.top_share, 1.0 - self.correlation)
        return 0.0

    def as_white(self) -> Input:
        """Return the same input with nothing known of the samples but their mean square and correlation."""
        return Input(self.shape, self.mean_square, self.correlation)

    @property
    def white(self) -> bool:
        """Whether nothing is known of the samples but their mean square and correlation."""
        known = (self.top_share, self.centred_share, self.norm_kurtosis, self.effective_features, self.mean_share)
        return all(number is None for number in known)


def typical(shape: tuple[int, ...], kind: str | None, stated: Mapping[str, float]) -> Input:
    """Return the input law with what is stated, and the typical statistics of its kind for the rest.

    A top share that is stated replaces the typical centred one, too.
    """
    known = {key: value for key, value in KINDS[kind or "white"].items() if len(shape) == 3 or key not in OF_IMAGES}
    if "top_share" in stated:
        known.pop("centred_share", None)
    return Input(shape, **{**known, **stated})
