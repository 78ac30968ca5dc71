"""ReLU'd residual streams: their law forward, and the activation derivatives along the skip in the backward pass.

A gradient that enters the skip at h_j = relu(u_j) reaches u_i, i <= j, through the masks of u_j, ..., u_i of the same
unit. They are not independent: a unit that is large stays positive. With Surv_ij(a, b) the probability that u_i..u_j
are positive at both a and b, the gradient at u_i is the sum over j of Gamma_j Surv_ij, so the parts Gamma_j are kept
apart in the backward pass (lrbound/theory/finite-conv.md, section 2).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, reduce
from typing import TYPE_CHECKING

import numpy as np

from lrbound.meanfield import law as laws
from lrbound.meanfield.copula import copula, copula_between, correlations, ends_of, pair_moment
from lrbound.meanfield.gradient import Entry, Gradient, Sums
from lrbound.meanfield.histories import distinct
from lrbound.meanfield.kernel import CROSS, SAME, Kernel, diagonal, outer
from lrbound.meanfield.neighbours import Factor, added, reach_of
from lrbound.meanfield.pairs import pairs
from lrbound.meanfield.regroup import Regroup, regroup

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lrbound.meanfield.contract import Pullback
    from lrbound.meanfield.edges import Reach
    from lrbound.meanfield.neighbours import Near
    from lrbound.meanfield.positions import Array, Axis


@dataclass(frozen=True, eq=False)
class Law:
    """Law of the units of a kernel.

    Attributes
    ----------
    values : ndarray (r, c, nodes)
        Quantile function by class of positions.
    pair : ndarray (k, r, r, c, c)
        Copula correlation between positions.
    site : ndarray (2, r, c)
        Copula correlation of one position with itself: 1 in one sample, that of two samples.
    below : Level or None
        The last ReLU that the values came through.
    added : ndarray (r, c)
        Variance of the Gaussians added to the skip since.
    near : Near or None
        What the copula correlation has in addition to its class pairs at neighbouring positions.
    """

    values: Array
    pair: Array
    site: Array
    below: Level | None
    added: Array
    near: Near | None = None

    @cached_property
    def alike(self) -> bool:
        """Whether two samples at one position are tied as those at two positions of its class: S - X on the diagonal."""
        return bool((self.site[CROSS] == diagonal(self.pair)[-1]).all())

    def on(self, way: Regroup, reach: Reach) -> Law:
        """Return the law on a finer partition of the positions."""
        return Law(
            way.gather_laws(self.values),
            way.gather_pair(self.pair),
            way.gather(self.site),
            self.below,
            way.gather(self.added),
            way.gather_near(self.near, reach),
        )


@dataclass(frozen=True, eq=False)
class Level:
    """A ReLU on the stream: the law of u that it acts on.

    Attributes
    ----------
    rows, cols : Axis
        Classes of positions.
    law : Law
        Of u; its ``below`` and ``added`` say how u came from the level underneath.
    """

    rows: Axis
    cols: Axis
    law: Law

    @cached_property
    def _distinct(self) -> tuple[Array, NDArray[np.int64]]:
        """The laws that differ, (laws, nodes), and which of them each class has."""
        values = self.law.values
        flat = values.reshape(-1, values.shape[-1])
        means, sets = distinct(flat[:, ::6], SAME_DIGITS)
        return means @ flat, sets.reshape(values.shape[:-1])

    @cached_property
    def _given_positive(self) -> tuple[Array, Array, Array]:
        return laws.positive(self._distinct[0])

    @cached_property
    def above(self) -> tuple[Array, Array]:
        """P(u > 0) and the density at 0, by class.

        Where nothing was added to the skip, u is positive where u of the level below was: at 0 a ReLU has no slope.
        """
        below = self.law.below
        if below is not None and not self.law.added.any():
            way = regroup(below.rows, below.cols, self.rows, self.cols)
            share, density = (way.gather(values) for values in below.above)
            return share, density
        share, density, _ = self._given_positive
        return share[self._distinct[1]], density[self._distinct[1]]

    @cached_property
    def _nodes(self) -> tuple[Array, Array]:
        """Nodes and weights of an integral over u > 0."""
        reach = float(self.law.values.max()) + 1e-300
        nodes, weights = laws.half_line(next((n for n in NODES if n >= self._fineness), NODES[-1]))
        return reach * nodes, reach * weights

    @cached_property
    def _fineness(self) -> float:
        """Nodes that it takes to follow the narrowest Gaussian that was added to the skip underneath."""
        least = math.sqrt(max(float(self.law.added.min()), 1e-300))
        return 1.6 * (float(self.law.values.max()) + 1e-300) / least

    @property
    def is_smooth(self) -> bool:
        """Whether densities at nodes can follow the law: not where next to nothing was added (a gamma of 0)."""
        return self._fineness <= NODES[-1]

    @cached_property
    def _alike(self) -> tuple[Array, NDArray[np.int64]]:
        """The variances that were added underneath, as means over classes, and which of them each class has."""
        return distinct(self.law.added.reshape(-1, 1), DIGITS)

    def _steps(self) -> NDArray[np.float32]:
        """For each variance the weights at the nodes of the law of u for h at those of the level below.

        Shape (variances, nodes, nodes); made again each time, because those of a thousand levels would fill the memory.
        """
        below = self.law.below
        assert below is not None  # a level that is reached from underneath
        variances = self._alike[0] @ self.law.added.reshape(-1)
        return laws.weighted_densities(*self._nodes, below._nodes[0], variances)  # noqa: SLF001

    def before(self, entries: Sequence[Entry]) -> Array:
        """Return P(a gradient passes the masks that it has passed | u) over that of all u, (entries, r, c, nodes).

        One step of Kolmogorov's backward equation from the level above; 1 for a gradient that has passed no derivative yet. The
        entries are on one partition.
        """
        top = entries[0].top
        nodes = self._nodes[0]
        found = np.ones((len(entries), len(top.rows.counts) * len(top.cols.counts), len(nodes)))
        for above in {entry.level for entry in entries if entry.level is not None}:
            if above.law.below is not self:
                raise ValueError("the levels belong to different streams")
            at = [index for index, entry in enumerate(entries) if entry.level is above]
            ahead = np.array([entries[index].ahead for index in at]).reshape(len(at), found.shape[1], -1)
            found[at] = above.step_down(ahead, top)
        return found.reshape(len(entries), len(top.rows.counts), len(top.cols.counts), -1)

    def step_down(self, ahead: Array, top: Level) -> Array:
        """Return E[ahead(u); u > 0 | u of the level below] at its nodes, (entries, classes of ``top``, nodes)."""
        below = self.law.below
        assert below is not None  # a level that is reached from above
        nodes = self._nodes[0]
        here = below._nodes[0]  # noqa: SLF001
        if not self.is_smooth:  # next to nothing was added: what is positive stays so
            rows = ahead.reshape(-1, len(nodes))
            return np.stack([np.interp(here, nodes, row) for row in rows]).reshape(*ahead.shape[:-1], -1)
        move = regroup(self.rows, self.cols, top.rows, top.cols)
        kind = self._alike[1].reshape(self.law.values.shape[:-1])[move.rows[:, None], move.cols].ravel()
        # side by side, the classes of one variance are one product
        order = np.argsort(kind, kind="stable")
        every = self._steps()
        ends = np.searchsorted(kind[order], np.arange(len(every) + 1))
        ordered = ahead[:, order].astype(every.dtype)
        stepped = np.empty((*ahead.shape[:-1], len(here)), every.dtype)
        for steps, start, end in zip(every, ends[:-1], ends[1:], strict=True):
            np.matmul(ordered[:, start:end], steps, out=stepped[:, start:end])
        found = np.empty_like(stepped)
        found[:, order] = stepped
        return found

    @cached_property
    def _positive(self) -> Array:
        """The law of u given u > 0 as weights at the nodes, (r, c, nodes)."""
        given = self._given_positive[2]
        nodes = self._nodes[0]
        right = np.clip(np.searchsorted(nodes, given), 1, len(nodes) - 1)
        part = np.clip((given - nodes[right - 1]) / (nodes[right] - nodes[right - 1]), 0.0, 1.0)
        found = np.zeros((len(given), len(nodes)))
        rows = np.arange(len(given))[:, None]
        np.add.at(found, (rows, right - 1), (1.0 - part) * laws.WEIGHTS)
        np.add.at(found, (rows, right), part * laws.WEIGHTS)
        return found[self._distinct[1]]

    def passes(self, before: Array, way: Regroup) -> Array:
        """Return P(u > 0 | the masks above are passed), (entries, r, c), from :meth:`before`."""
        inside = np.einsum("rcn,ercn->erc", way.gather_laws(self._positive), before)
        return np.clip(way.gather(self.above[0]) * inside, 1e-300, 1.0)

    @cached_property
    def _own_masks(self) -> Factor:
        return _masks(self.above[0], self.law)

    @cached_property
    def _known_masks(self) -> dict[tuple[tuple[int, ...], ...], list[tuple[Array, Factor]]]:
        return {}

    def masks(self, share: Array, top: Level) -> Factor:
        """Return P(u > 0 at both ends) where P(u > 0) is ``share`` at one, on the classes of ``top``.

        What the ends have in common beyond the product of the two hardly depends on ``share``: it is computed again
        only where ``share`` has moved by more than ``NEAR``.
        """
        way, reach = regroup(self.rows, self.cols, top.rows, top.cols), reach_of(top.law.near)
        known_here = self._known_masks.setdefault((top.rows.classes, top.cols.classes), [])
        if not known_here:
            known_here.append((way.gather(self.above[0]), self._own_masks.on(way, reach)))
        for known, (pair, site, near) in known_here:
            ratio = share / known
            if np.abs(ratio - 1.0).max() < NEAR:
                scaled = None if near is None else near.of(near.values * near.product(ratio))
                return Factor(pair * outer(ratio), np.stack([share, site[CROSS] * ratio**2]), scaled)
        found = _masks(share, self.law.on(way, reach))
        known_here.append((share, found))
        return found


def gaussian_law(kernel: Kernel) -> Law:
    """Return the law of a Gaussian kernel: where a stream starts."""
    on_site = kernel.on_site - kernel.mean**2
    sd = np.sqrt(np.maximum(on_site[SAME], 0.0))
    pair, site = correlations(kernel.pair - kernel.mean**2, on_site[CROSS], sd)
    near = kernel.near
    if near is not None:
        one, other = near.ends(np.maximum(sd, 1e-150))
        near = near.beside(np.clip((near.total(kernel.pair) - kernel.mean**2) / (one * other), -1.0, 1.0), pair)
    return Law(kernel.mean + sd[..., None] * laws.NODES, pair, site, None, np.zeros_like(sd), near)


def add_branch(stream: Kernel, branch: Kernel) -> Law:
    """Return the law of h + g for a stream h with a law and an independent Gaussian branch g.

    Parameters
    ----------
    stream, branch : Kernel
        On the same classes of positions.
    """
    law = stream.law_here()
    branch_variance = np.maximum(branch.on_site[SAME] - branch.mean**2, 0.0)
    flat = law.values.reshape(-1, law.values.shape[-1])
    values = laws.add_gaussian(flat, branch_variance.reshape(-1)).reshape(law.values.shape)
    values = values + branch.mean
    found, missed = laws.coefficients(values)
    sd = np.sqrt(np.maximum(laws.variance(values), 1e-300))
    centre = laws.mean(law.values)
    covariance = stream.pair - centre[:, None, :, None] * centre[None, :, None, :] + branch.pair - branch.mean**2
    pair = copula(found, missed, covariance, sd)
    if stream.site[CROSS].any() or branch.site[CROSS].any():
        covariance = stream.on_site[CROSS] - centre**2 + branch.on_site[CROSS] - branch.mean**2
        across = copula_between((found, found), (missed, missed), covariance, (sd, sd))
    else:
        across = diagonal(pair)[-1]
    site = np.stack([np.ones_like(sd), across])
    near = added(stream.near, branch.near)
    if near is not None:
        one, other = near.ends(centre)
        wanted = near.total(stream.pair + branch.pair) - one * other - branch.mean**2
        near = near.beside(copula_between(near.ends(found), near.ends(missed), wanted, near.ends(sd)), pair)
    return Law(values, pair, site, law.below, law.added + branch_variance, near)


def rectify(kernel: Kernel) -> tuple[Kernel, Pullback]:
    """Return the kernel of relu(u) for u with a law, and the pullback through the derivatives of all ReLUs below it."""
    level = Level(kernel.rows, kernel.cols, kernel.law_here())
    law = level.law
    values = np.maximum(law.values, 0.0)
    found, missed = laws.coefficients(values)
    pair = pair_moment(found, missed, law.pair)
    across = diagonal(pair)[-1]
    if not law.alike:
        across = laws.pair_moment((found, missed), (found, missed), law.site[CROSS])[0]
    site = np.stack([values**2 @ laws.WEIGHTS, across]) - diagonal(pair)
    above = after_relu(level, values)
    near = law.near
    if near is not None:
        left, right = zip(near.ends(found), near.ends(missed), strict=True)
        near = near.beside(laws.pair_moment(left, right, near.total(law.pair))[0], pair)
    out = kernel.becomes(pair, site, gaussian=False, law=lambda: above, near=near)

    def pull(gradient: Gradient) -> tuple[Gradient, None]:
        if gradient.masked:
            return Gradient(gradient.delta, gradient.excess, turning=gradient.turning), None
        return pull_masks(level, gradient), None

    return out, pull


def after_relu(level: Level, values: Array | None = None) -> Law:
    """Return the law of relu(u) at a level."""
    law = level.law
    rectified = np.maximum(law.values, 0.0) if values is None else values
    return Law(rectified, law.pair, law.site, level, np.zeros(law.values.shape[:-1]), law.near)


def pull_masks(level: Level, gradient: Gradient) -> Gradient:
    """Return the gradient at u_i from the parts that entered the skip at this and at higher levels."""
    groups: dict[tuple[tuple[int, ...], ...], list[Entry]] = {}
    for entry in gradient.entries(level):
        groups.setdefault((entry.top.rows.classes, entry.top.cols.classes), []).append(entry)
    total: Sums | None = None
    passed: list[Entry] = []
    for group in groups.values():
        below, part = _through(level, group)
        passed += below
        total = part if total is None else total.plus(part)
    if total is None:
        raise ValueError("a gradient without parts")
    share, density = level.above
    below_all = total

    def excess() -> Sums:
        # Stein: E[g g' m m'] adds the joint density of u, u' at 0
        both, both_on_site, _ = level.masks(share, level)
        r, r_site = level.law.pair, level.law.site
        joint = outer(density) * np.sqrt(np.maximum(1.0 - r * r, 0.0))
        near = level.law.near
        if near is not None:
            r_near, (one, other) = near.total(r), near.ends(density)
            joined = one * other * np.sqrt(np.maximum(1.0 - r_near**2, 0.0))
            near = near.beside(
                joined / laws.both_above(*ends_of(near.ends, laws.threshold(share)), r_near), joint / both
            )
        site = density**2 * np.sqrt(np.maximum(1.0 - r_site**2, 0.0)) / both_on_site
        return below_all.times(joint / both, site, near)

    return Gradient(total, excess, passed=tuple(passed))


def _through(level: Level, entries: Sequence[Entry]) -> tuple[list[Entry], Sums]:
    """Return gradients on one partition below the mask of ``level``, and their sum on the classes of the level.

    Surv_ij = Surv_{i+1,j} P(u_i > 0 | u_{i+1} .. u_j > 0): each mask multiplies what has come through those above.
    Gradients that the masks to come treat alike, because they entered far above, go on as one.
    """
    top = entries[0].top
    way = regroup(level.rows, level.cols, top.rows, top.cols)
    before = level.before(entries)
    shares = level.passes(before, way)
    before /= shares[..., None]
    found: list[Entry] = []
    for index, (entry, share) in enumerate(zip(entries, shares, strict=True)):
        below = Entry(entry.sums.times(*level.masks(share, top)), top, level, before[index])
        if index and entry.level is not None and np.abs(share / shares[index - 1] - 1.0).max() < ALIKE:
            found[-1] = found[-1].joined(below)
        else:
            found.append(below)
    total = reduce(Sums.plus, (entry.sums for entry in found))
    return found, way.backward(total, level.law.near)


def _masks(share: Array, law: Law) -> Factor:
    own = laws.threshold(share)
    differ = pairs(law.pair, share)
    pair = differ.spread(laws.both_above(*ends_of(differ.ends, own), differ.pick(law.pair)))
    across = diagonal(pair)[-1] if law.alike else laws.both_above(own, own, law.site[CROSS])
    near = law.near
    if near is not None:
        near = near.beside(laws.both_above(*ends_of(near.ends, own), near.total(law.pair)), pair)
    return Factor(pair, np.stack([share, across]), near)


ALIKE = 1e-2
"""Relative difference of P(u > 0) up to which two gradients on a skip go on as one; lower masks differ by less."""
NEAR = 0.2
"""Relative change of P(u > 0) over which the joint probability is the product times the same excess."""
DIGITS = 1.5
"""Digits to which added variances agree that are taken for one."""
SAME_DIGITS = 6
"""Digits to which laws agree that are one: those of places that a reflection of the map exchanges."""
NODES = (48, 64, 96, 128, 192, 256)
"""Numbers of nodes that the densities on u > 0 may have."""
