"""Backward kernels: second moments of delta = df/dz for one output direction, as sums over classes.

B_S(a, b) = E[delta_a(x) delta_b(x)] and B_X(a, b) = E[delta_a(x) delta_b(y)], summed over channels. All results are
sums of B times a class function, so B itself is not carried but its sums over classes of positions and over pairs of
samples,

    pair[S](i, i') = sum over samples x, a in i, b in i' of B_S(a, b),
    pair[X](i, i') = the same over the ordered pairs x != y,

and ``site`` the part of these sums with a = b, ``near`` that with neighbours where overlapping pools ask for it. The transposed forward maps act on the sums exactly. Two directions in
the space of samples run side by side:

    coherent   all samples alike, u = (1, ..., 1)/sqrt(n): its Fisher value is K2 + (K1 - K2)/n where there is no
               batch statistic;
    trace      the identity: its value is K1, the average over samples of the trace.

With this normalisation the sums of the coherent direction start as (1/n, 1 - 1/n) for (S, X), those of the trace as
(1, 0), and n = inf is an ordinary number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np

from lrbound.meanfield.kernel import Kernel, diagonal

if TYPE_CHECKING:
    from collections.abc import Callable

    from lrbound.meanfield.leaning import Lean
    from lrbound.meanfield.neighbours import Near
    from lrbound.meanfield.positions import Array
    from lrbound.meanfield.stream import Level

_Part = TypeVar("_Part", "Sums", "Near")


class Share(NamedTuple):
    """A layer's part of the Fisher value of the two directions, each shape (...)."""

    coherent: Array
    trace: Array


@dataclass(frozen=True, eq=False)
class Sums:
    """Sums of a backward kernel over classes.

    Attributes
    ----------
    pair : ndarray (..., 2, 2, r, r, c, c)
        Axes: direction (coherent, trace), samples (same, cross), row classes, column classes.
    site : ndarray (..., 2, 2, r, c)
        The part with equal positions, contained in ``pair``.
    near : Near or None
        The part with neighbouring positions, contained in ``pair``; None means 0.
    """

    pair: Array
    site: Array
    near: Near | None = None

    def times(self, pair: Array, site: Array, near: Near | None = None) -> Sums:
        """Multiply B(a, b) by a class function: ``pair`` off the diagonal, ``site`` where a = b.

        ``pair`` has shape (..., k, r, r, c, c) and ``site`` (..., 2, r, c), with the axis of samples first. ``near`` is
        what the function has beside ``pair`` at neighbours.
        """
        pair, site = pair[..., None, :, :, :, :, :], site[..., None, :, :, :]
        product = self.pair * pair
        on_diagonal = np.einsum("...iijj->...ij", product)  # a view
        on_diagonal += self.site * (site - diagonal(pair))
        if self.near is None:
            return Sums(product, self.site * site)
        beside = self.near.values * self.near.at(pair)
        if near is not None:
            more = self.near.values * near.values[..., None, :, :, :]
            product, beside = product + self.near.embed(more), beside + more
        return Sums(product, self.site * site, self.near.of(beside))

    def dot(self, kernel: Kernel) -> Share:
        """Return the sum over all samples and positions of B times the forward kernel."""
        value = (self.pair * kernel.pair[..., None, :, :, :, :, :]).sum(axis=(-5, -4, -3, -2, -1))
        value += (self.site * kernel.site[..., None, :, :, :]).sum(axis=(-3, -2, -1))
        if self.near is not None and kernel.near is not None:
            value += (self.near.values * kernel.near.values[..., None, :, :, :]).sum(axis=(-3, -2, -1))
        return Share(value[..., 0], value[..., 1])

    def total(self) -> Array:
        """Return the sum over all samples and positions by direction, shape (..., 2)."""
        return self.pair.sum(axis=(-5, -4, -3, -2, -1))

    def scaled(self, factor: Array | float) -> Sums:
        """Multiply by a number."""
        return Sums(self.pair * factor, self.site * factor, None if self.near is None else self.near.scaled(factor))

    def plus(self, other: Sums) -> Sums:
        """Add two kernels on the same classes."""
        return Sums(self.pair + other.pair, self.site + other.site, _added(self.near, other.near))


class Entry(NamedTuple):
    """A gradient along the skip of a residual stream in the backward pass, apart from what enters at other places.

    Attributes
    ----------
    sums : Sums
        After the masks that it has passed, on the classes of ``top``.
    top : Level
        The ReLU just above which it entered.
    level : Level or None
        The last ReLU that it has passed.
    ahead : ndarray (r, c, nodes) or None
        P(it passes all those masks | u) at the nodes of ``level``, over the mean of that.
    """

    sums: Sums
    top: Level
    level: Level | None = None
    ahead: Array | None = None

    def joined(self, other: Entry) -> Entry:
        """Return both as one, for masks that treat them alike."""
        assert self.ahead is not None
        assert other.ahead is not None  # both have passed a mask
        one, two = (float(np.abs(entry.sums.site).sum()) + 1e-300 for entry in (self, other))
        ahead = (one * self.ahead + two * other.ahead) / (one + two)
        return Entry(self.sums.plus(other.sums), self.top, self.level, ahead)


class Portion(NamedTuple):
    """A gradient that falls on the parts of a concatenation unlike their numbers of channels.

    Attributes
    ----------
    weights : ndarray (parts,)
        Share of each part; they add up to 1.
    sums : Sums
        The gradient of all parts together.
    """

    weights: Array
    sums: Sums


@dataclass(frozen=True, eq=False)
class Gradient:
    """Gradient at one place of the network.

    Attributes
    ----------
    delta : Sums
        B = E[delta delta'].
    excess : callable or None
        Gives what the dependence of delta on the value u under it adds to E[delta delta' (u - mean)(u' - mean)]:
        that moment minus B times the covariance of u and u', divided by the variances of u and u'. An activation
        leaves it (Stein's lemma); None where delta does not depend on u. A function, since few layers ask for it.
    passed : tuple of Entry
        The parts of delta that came down an identity skip, as they were above its masks.
    fresh : Sums or None
        The rest of delta where there are such parts.
    masked : bool
        Whether delta is already that of the argument of the activation underneath: a max pool goes to the position of
        the maximum, and that is where the mask is.
    portions : tuple of Portion
        The parts of delta that fall unevenly on the parts of a concatenation.
    even : Sums or None
        The rest of delta where there are such parts.
    leaning : callable or None
        Below a normaliser over the batch the mean product of the derivatives of delta by the values under it, in units of
        their standard deviation.
    lean : callable or None
        The part of delta, below filters of few inputs, that depends on the values that they see.
    turning : callable or None
        Gives the sum over c of E[d delta_b/du_a delta_c u_c] by classes of (a, b), for u of the variances under it, where
        delta at one position depends on values at others: a max pool's maximum can change its place. None where it
        depends on the value at its own position alone, and ``excess`` says all.
    """

    delta: Sums
    excess: Callable[[], Sums] | None = None
    passed: tuple[Entry, ...] = ()
    fresh: Sums | None = None
    masked: bool = False
    portions: tuple[Portion, ...] = ()
    even: Sums | None = None
    leaning: Callable[[], Sums] | None = None
    lean: Callable[[], Lean] | None = None
    turning: Callable[[], Sums] | None = None

    @property
    def size(self) -> float:
        """Mean over samples of E |delta|^2, over all units and positions; 0 where the ReLU under a max pool is off (``masked``)."""
        return float(self.delta.site[..., 1, 0, :, :].sum())

    def plus(self, other: Gradient) -> Gradient:
        """Add independent gradients that meet where a branching layer took its input."""
        passed = self.passed + other.passed
        fresh = _added(self.unmasked(), other.unmasked()) if passed else None
        portions = self.portions + other.portions
        even = _added(self.evenly(), other.evenly()) if portions else None
        return Gradient(
            self.delta.plus(other.delta), passed=passed, fresh=fresh, portions=gathered(portions), even=even
        )

    def evenly(self) -> Sums | None:
        """Return the part of ``delta`` that is alike for all channels; None where none is."""
        return self.even if self.portions else self.delta

    def unmasked(self) -> Sums | None:
        """Return the part of ``delta`` that has passed no derivative of this stream yet; None where all has."""
        return self.fresh if self.passed else self.delta

    def entries(self, level: Level) -> list[Entry]:
        """Return the parts that enter, or have entered, the skip at ``level`` or above."""
        fresh = self.unmasked()
        return [*self.passed, *([] if fresh is None else [Entry(fresh, level)])]


def at_output(samples: float) -> Gradient:
    """Return the gradient of one output with respect to itself for a batch of ``samples``."""
    pair = np.array([[1.0 / samples, 1.0 - 1.0 / samples], [1.0, 0.0]]).reshape(2, 2, 1, 1, 1, 1)
    return Gradient(Sums(pair, pair[..., 0, 0]))


def _added(one: _Part | None, other: _Part | None) -> _Part | None:
    """Add two parts, of which None is nothing."""
    if one is None or other is None:
        return one or other
    return one.plus(other)


def gathered(portions: tuple[Portion, ...]) -> tuple[Portion, ...]:
    """Add up the portions that have the same weights."""
    found: list[Portion] = []
    for portion in portions:
        for index, other in enumerate(found):
            if np.allclose(portion.weights, other.weights, rtol=1e-9, atol=0.0):
                found[index] = Portion(other.weights, other.sums.plus(portion.sums))
                break
        else:
            found.append(portion)
    return tuple(found)
