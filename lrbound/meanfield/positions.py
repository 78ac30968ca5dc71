"""Classes of alike positions along one axis of an image, and the linear maps that windows make between them.

Two rows belong to one class when every quantity of the theory is equal on them. White input starts with one class;
each convolution or pool refines: the class of an output row is the tuple of the input classes under its window, with
-1 outside the image. Rows and columns refine separately, because windows and images are products of the two. So a
3x3 convolution with zero padding adds one class a side, whatever the size of the image, and nothing is approximated.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lrbound.fields import borders, both

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrbound.fields import Border, Pair

Array = NDArray[np.float64]
OUTSIDE = -1


@dataclass(frozen=True, eq=False)
class Axis:
    """Positions along the rows or columns of a map, by class.

    Attributes
    ----------
    classes : tuple of int
        Class of each position, numbered from 0.
    """

    classes: tuple[int, ...]

    @property
    def size(self) -> int:
        """Number of positions."""
        return len(self.classes)

    @cached_property
    def counts(self) -> Array:
        """Number of positions in each class, shape (classes,)."""
        return np.bincount(self.classes).astype(np.float64)


@lru_cache(maxsize=256)
def uniform(size: int) -> Axis:
    """Return an axis whose positions are all alike."""
    return Axis((0,) * size)


POINT = uniform(1)
"""The axis of flat features: a map of one position."""


@dataclass(frozen=True)
class AxisWindow:
    """A sliding window along one axis: convolution kernel or pool.

    Attributes
    ----------
    kernel, stride : int
        Taps, and the step between two places.
    padding : (int, int) or "same"
        Positions added before and after the axis; "same" adds what places every ``stride`` positions need, the odd one after.
    mode : {"zeros", "circular"}
    dilation : int
        Step between two taps.
    ceil : bool
        Whether a last place may reach beyond the padding, if it starts before it (torch's ceil_mode).
    """

    kernel: int
    stride: int
    padding: tuple[int, int] | Literal["same"]
    mode: Literal["zeros", "circular"] = "zeros"
    dilation: int = 1
    ceil: bool = False

    @property
    def wraps(self) -> bool:
        """Whether it goes on at the other end of the axis."""
        return self.mode == "circular" and self.padding != (0, 0)

    @property
    def span(self) -> int:
        """Positions from the first tap to the last."""
        return self.dilation * (self.kernel - 1) + 1

    @property
    def is_point(self) -> bool:
        """Whether it maps every position to itself."""
        return self.kernel == self.stride == 1 and self.padding in ((0, 0), "same")

    def borders(self, size: int) -> tuple[int, int]:
        """Return how many positions are added before and after an axis of ``size``."""
        if self.padding != "same":
            return self.padding
        total = max((-(-size // self.stride) - 1) * self.stride + self.span - size, 0)
        return total // 2, total - total // 2

    def output_size(self, size: int) -> int:
        """Return the number of places of the window on an axis of ``size`` positions; not positive where it does not fit."""
        before, after = self.borders(size)
        room = size + before + after - self.span
        if not self.ceil or room < 0:
            return room // self.stride + 1
        places = -(-room // self.stride) + 1
        return places - ((places - 1) * self.stride >= size + before)

    def taps(self, size: int) -> NDArray[np.int64]:
        """Return the input position under each tap, shape (places, kernel); OUTSIDE for zero padding."""
        start = np.arange(self.output_size(size)) * self.stride - self.borders(size)[0]
        position = start[:, None] + self.dilation * np.arange(self.kernel)[None, :]
        if self.mode == "circular":
            return position % size
        return np.where((position >= 0) & (position < size), position, OUTSIDE)


class Window(NamedTuple):
    """A sliding window on an image.

    Attributes
    ----------
    rows, cols : AxisWindow
        What it is along each axis.
    """

    rows: AxisWindow
    cols: AxisWindow

    @classmethod
    def of(
        cls,
        kernel: Pair,
        stride: Pair,
        padding: Border,
        mode: Literal["zeros", "circular"] = "zeros",
        dilation: Pair = 1,
        *,
        ceil: bool = False,
    ) -> Window:
        """Return the window with these sides, steps and borders, in pixels."""
        rows, cols = (
            AxisWindow(k, s, p, mode, d, ceil)
            for k, s, p, d in zip(both(kernel), both(stride), borders(padding), both(dilation), strict=True)
        )
        return cls(rows, cols)

    @property
    def size(self) -> int:
        """Number of taps: positions under one place of the window."""
        return self.rows.kernel * self.cols.kernel

    def output_sizes(self, sides: Sequence[int]) -> tuple[int, int]:
        """Return the number of places along rows and columns of an image; not positive where it does not fit."""
        height, width = sides
        return self.rows.output_size(height), self.cols.output_size(width)


@dataclass(frozen=True, eq=False)
class Lumped:
    """A window between the classes of its input and those of its output.

    Attributes
    ----------
    axis : Axis
        The output's axis.
    taps : ndarray (kernel, classes out, classes in)
        ``taps[d, o, i]`` is 1 where tap d of an output of class o lies on an input of class i.
    """

    axis: Axis
    taps: Array

    @cached_property
    def same_offset(self) -> Array:
        """Mean over taps of E_d (x) E_d, shape (out^2, in^2): both ends move together, as in a convolution."""
        k, out, inn = self.taps.shape
        pairs: Array = np.einsum("dai,dbj->abij", self.taps, self.taps) / k
        return pairs.reshape(out * out, inn * inn)

    @cached_property
    def mean(self) -> Array:
        """Mean over taps of E_d, shape (out, in)."""
        return self.taps.mean(axis=0)

    @cached_property
    def free_offset(self) -> Array:
        """Mean over pairs of taps of E_d (x) E_d', shape (out^2, in^2): the ends move freely, as in a pool."""
        _, out, inn = self.taps.shape
        return np.einsum("ai,bj->abij", self.mean, self.mean).reshape(out * out, inn * inn)


# One entry a distinct (axis, window): the layers of a stage share it, and a repeat needs it once.
@lru_cache(maxsize=512)
def _refine(classes: tuple[int, ...], window: AxisWindow, finer: tuple[int, ...]) -> Lumped:
    taps = window.taps(len(classes))
    under, told = (np.where(taps == OUTSIDE, OUTSIDE, np.asarray(each)[taps]) for each in (classes, finer))
    _, first, inverse = np.unique(told, axis=0, return_index=True, return_inverse=True)
    inside = max(classes) + 1
    one_hot = under[first].T[:, :, None] == np.arange(inside)
    return Lumped(Axis(tuple(int(c) for c in np.ravel(inverse))), one_hot.astype(np.float64))


def refine(axis: Axis, window: AxisWindow, finer: tuple[int, ...] | None = None) -> Lumped:
    """Return how ``window`` maps the classes of ``axis`` to those of its output, which tell ``finer`` ones apart."""
    return _refine(axis.classes, window, axis.classes if finer is None else finer)
