"""ReLU'd residual streams: their law forward, and the masks that a gradient meets on its way down the skip.

A gradient that enters the skip at h_j = relu(u_j) reaches u_i, i <= j, through the masks of u_j, ..., u_i of the same
unit. They are not independent: a unit that is large stays positive. With Surv_ij(a, b) the probability that u_i..u_j
are positive at both a and b, the gradient at u_i is the sum over j of Gamma_j Surv_ij, so the parts Gamma_j are kept
apart on the way down (theory-finite-conv, section 2).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from lrbound.meanfield import law as laws
from lrbound.meanfield.gradient import Gradient, Sums
from lrbound.meanfield.histories import by_history, distinct, per_history
from lrbound.meanfield.kernel import CROSS, SAME, Kernel, diagonal, embed, outer
from lrbound.meanfield.neighbours import Factor, added, reach_of
from lrbound.meanfield.pairs import pairs
from lrbound.meanfield.regroup import Regroup, regroup

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from lrbound.layers.base import Pullback
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
        What the copula correlation has beside its class pairs at neighbouring positions.
    """

    values: Array
    pair: Array
    site: Array
    below: Level | None
    added: Array
    near: Near | None = None

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
    def above(self) -> tuple[Array, Array, Array]:
        """P(u > 0), the density at 0, and the quantiles given u > 0, by class."""
        return by_history(laws.positive, self.law.values)

    @cached_property
    def _nodes(self) -> tuple[Array, Array]:
        """Nodes and weights of an integral over u > 0."""
        reach = float(self.law.values.max()) + 1e-300
        nodes, weights = laws.half_line(min(max(48, math.ceil(self._fineness)), MOST_NODES))
        return reach * nodes, reach * weights

    @cached_property
    def _fineness(self) -> float:
        """Nodes that it takes to follow the narrowest Gaussian that was added to the skip underneath."""
        least = math.sqrt(max(float(self.law.added.min()), 1e-300))
        return 1.6 * (float(self.law.values.max()) + 1e-300) / least

    @property
    def is_smooth(self) -> bool:
        """Whether densities at nodes can follow the law: not where next to nothing was added (a gamma of 0)."""
        return self._fineness <= MOST_NODES

    @cached_property
    def _alike(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """One class of positions for each law, and the law of each class."""
        law = self.law
        return distinct(law.values.reshape(-1, law.values.shape[-1])[:, ::8], law.added.reshape(-1, 1))

    @cached_property
    def _steps(self) -> Array:
        """For each law the densities of u at the nodes for h at the nodes of the level below, (laws, nodes, nodes)."""
        below = self.law.below
        assert below is not None  # a level that is reached from underneath
        variances = self.law.added.reshape(-1)[self._alike[0]]
        return laws.density(self._nodes[0], below._nodes[0], variances)  # noqa: SLF001

    def survive(self, given: Array, *, first: bool) -> tuple[Array, Array]:
        """Return P(u > 0) and the law of u given u > 0 from the law that survived the levels underneath.

        Parameters
        ----------
        given : ndarray (r, c, nodes)
            Quantiles on the first step, then probabilities at the nodes of the level below.
        first : bool
            Which of the two.
        """
        picked, inverse = self._alike
        rows = given.reshape(-1, given.shape[-1])[picked]
        points, weights = self._nodes
        if first:
            steps = laws.density(points, rows, self.law.added.reshape(-1)[picked]) @ laws.WEIGHTS
        else:
            steps = (self._steps @ rows[..., None])[..., 0]
        grown = steps * weights
        share = np.clip(grown.sum(axis=1), 1e-300, 1.0)
        shape = given.shape[:-1]
        return share[inverse].reshape(shape), (grown / share[:, None])[inverse].reshape(*shape, -1)

    @cached_property
    def _known_masks(self) -> list[tuple[Array, Factor]]:
        return []

    def masks(self, share: Array) -> Factor:
        """Return P(u > 0 at both ends) where P(u > 0) is ``share`` at one.

        What the ends have in common beyond the product of the two hardly depends on ``share``: it is computed anew
        only where ``share`` has moved by more than ``NEAR``.
        """
        for known, (pair, site, near) in self._known_masks:
            ratio = share / known
            if np.abs(ratio - 1.0).max() < NEAR:
                scaled = None if near is None else near.of(near.values * near.product(ratio))
                return Factor(pair * outer(ratio), np.stack([share, site[CROSS] * ratio**2]), scaled)
        found = _masks(share, self.law)
        self._known_masks.append((share, found))
        return found

    def chain_from(self, top: Level) -> Iterator[Level]:
        """Yield the levels from this one up to ``top``."""
        path = [top]
        while path[-1] is not self:
            under = path[-1].law.below
            if under is None:
                raise ValueError("the levels belong to different streams")
            path.append(under)
        return reversed(path)


def gaussian_law(kernel: Kernel) -> Law:
    """Return the law of a Gaussian kernel: where a stream starts."""
    on_site = kernel.on_site - kernel.mean**2
    sd = np.sqrt(np.maximum(on_site[SAME], 0.0))
    pair, site = _correlations(kernel.pair - kernel.mean**2, on_site[CROSS], sd)
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
    values = per_history(laws.add_gaussian, flat, branch_variance.reshape(-1)).reshape(law.values.shape)
    values = values + branch.mean
    found, missed = laws.coefficients(values)
    sd = np.sqrt(np.maximum(laws.variance(values), 1e-300))
    centre = laws.mean(law.values)
    covariance = stream.pair - centre[:, None, :, None] * centre[None, :, None, :] + branch.pair - branch.mean**2
    pair = _copula(found, missed, covariance, sd)
    own = (found, missed)
    across = stream.on_site[CROSS] - centre**2 + branch.on_site[CROSS] - branch.mean**2
    site = np.stack([np.ones_like(sd), laws.copula(own, own, across, across / sd**2)])
    near = added(stream.near, branch.near)
    if near is not None:
        one, other = near.ends(centre)
        wanted = near.total(stream.pair + branch.pair) - one * other - branch.mean**2
        near = near.beside(copula_between(near.ends(found), near.ends(missed), wanted, near.ends(sd)), pair)
    return Law(values, pair, site, law.below, law.added + branch_variance, near)


def rectify(kernel: Kernel) -> tuple[Kernel, Pullback]:
    """Return the kernel of relu(u) for u with a law, and the way back through all masks below it."""
    level = Level(kernel.rows, kernel.cols, kernel.law_here())
    law = level.law
    values = np.maximum(law.values, 0.0)
    found, missed = laws.coefficients(values)
    pair = _pair_moment(found, missed, law.pair)
    own = values**2 @ laws.WEIGHTS
    across = laws.pair_moment((found, missed), (found, missed), law.site[CROSS])[0]
    site = np.stack([own, across]) - diagonal(pair)
    above = after_relu(level, values)
    near = law.near
    if near is not None:
        left, right = zip(near.ends(found), near.ends(missed), strict=True)
        near = near.beside(laws.pair_moment(left, right, near.total(law.pair))[0], pair)
    out = kernel.becomes(pair, site, gaussian=False, law=lambda: above, near=near)

    def pull(gradient: Gradient) -> tuple[Gradient, None]:
        return (Gradient(gradient.delta, gradient.excess) if gradient.masked else pull_masks(level, gradient)), None

    return out, pull


def after_relu(level: Level, values: Array | None = None) -> Law:
    """Return the law of relu(u) at a level."""
    law = level.law
    rectified = np.maximum(law.values, 0.0) if values is None else values
    return Law(rectified, law.pair, law.site, level, np.zeros(law.values.shape[:-1]), law.near)


class _Masked:
    """The sum of gradients on the same classes, each times its own class function, as ``Sums.times`` has it."""

    def __init__(self, like: Sums) -> None:
        self.pair, self.site = np.zeros_like(like.pair), np.zeros_like(like.site)
        self.excess = np.zeros_like(like.site)
        self.near: Near | None = None
        self.beside: Near | None = None

    def add(self, sums: Sums, factor: Factor) -> None:
        pair, site, near = factor.pair[None], factor.site[None], factor.near
        self.pair += sums.pair * pair
        self.site += sums.site * site
        self.excess += sums.site * (site - diagonal(pair))
        if sums.near is not None:
            self.near = sums.near.of(sums.near.values * sums.near.at(pair)).plus(self.near)
            if near is not None:
                self.beside = sums.near.of(sums.near.values * near.values[None]).plus(self.beside)

    def sums(self) -> Sums:
        # what the diagonal and neighbours have beyond the class pairs is embedded once for all
        total = self.pair + embed(self.excess)
        if self.beside is not None:
            total = total + self.beside.embed(self.beside.values)
        return Sums(total, self.site, added(self.near, self.beside))


def pull_masks(level: Level, gradient: Gradient) -> Gradient:
    """Return the gradient at u_i from the parts that entered the skip at this and at higher levels."""
    entries = gradient.entries(level)
    survivals = _survivals(level, [entry.level for entry in entries])
    joined: dict[tuple[tuple[int, ...], ...], tuple[_Masked, Regroup]] = {}
    for entry in entries:
        factor, grouping = survivals[id(entry.level)]
        key = (entry.level.rows.classes, entry.level.cols.classes)
        joined.setdefault(key, (_Masked(entry.sums), grouping))[0].add(entry.sums, factor)
    total: Sums | None = None
    for masked, grouping in joined.values():
        part = grouping.backward(masked.sums(), level.law.near)
        total = part if total is None else total.plus(part)
    if total is None:
        raise ValueError("a gradient without parts")
    share, density, _ = level.above
    below = total

    def excess() -> Sums:
        # Stein: E[g g' m m'] adds the joint density of u, u' at 0
        r = level.law.pair
        both = _both_above(share, r)
        joint = outer(density) * np.sqrt(np.maximum(1.0 - r * r, 0.0))
        r_site = level.law.site
        site = density**2 * np.sqrt(np.maximum(1.0 - r_site**2, 0.0)) / laws.both_above(share, share, r_site)
        near = level.law.near
        if near is not None:
            r_near, (one, other) = near.total(r), near.ends(density)
            joined = one * other * np.sqrt(np.maximum(1.0 - r_near**2, 0.0))
            near = near.beside(joined / laws.both_above(*near.ends(share), r_near), joint / both)
        return below.times(joint / both, site, near)

    return Gradient(total, excess, passed=tuple(entries))


def _survivals(level: Level, tops: Iterable[Level]) -> dict[int, tuple[Factor, Regroup]]:
    """Return Surv_ij on the classes of level j, with the way to the classes of level i."""
    wanted = {id(top): top for top in tops}
    highest = max(wanted.values(), key=lambda top: sum(1 for _ in level.chain_from(top)))
    share, _, given = level.above
    survived = level.masks(share)
    found: dict[int, tuple[Factor, Regroup]] = {}
    below = level
    smooth = all(step is level or step.is_smooth for step in level.chain_from(highest))
    for step in level.chain_from(highest):
        if step is not level:
            move = regroup(below.rows, below.cols, step.rows, step.cols)
            grown = move.gather_laws(given)
            if smooth:
                share, given = step.survive(grown, first=below is level)
            else:
                u = per_history(laws.add_gaussian, grown.reshape(-1, grown.shape[-1]), step.law.added.reshape(-1))
                share, _, given = by_history(laws.positive, u.reshape(grown.shape))
            survived = survived.on(move, reach_of(step.law.near)).times(step.masks(share))
            below = step
        if id(step) in wanted:
            found[id(step)] = (survived, regroup(level.rows, level.cols, step.rows, step.cols))
    return found


def _masks(share: Array, law: Law) -> Factor:
    site = np.stack([share, laws.both_above(share, share, law.site[CROSS])])
    pair, near = _both_above(share, law.pair), law.near
    if near is not None:
        near = near.beside(laws.both_above(*near.ends(share), near.total(law.pair)), pair)
    return Factor(pair, site, near)


def _both_above(share: Array, r: Array) -> Array:
    """Return P(u > 0 at both ends) by class pairs."""
    differ = pairs(r, share)
    return differ.spread(laws.both_above(*differ.ends(share), differ.pick(r)))


def _pair_moment(found: Array, missed: Array, r: Array) -> Array:
    """Return the product moments by class pairs of a function with such Hermite coefficients by class."""
    differ = pairs(r, found)
    left, right = zip(differ.ends(laws.leading_terms(found, r)), differ.ends(missed), strict=True)
    return differ.spread(laws.pair_moment(left, right, differ.pick(r))[0])


def _copula(found: Array, missed: Array, covariance: Array, sd: Array) -> Array:
    """Return the correlations by class pairs that the covariance asks for."""
    differ = pairs(covariance, found)
    found_ends, missed_ends, sd_ends = (differ.ends(values) for values in (found, missed, sd))
    return differ.spread(copula_between(found_ends, missed_ends, differ.pick(covariance), sd_ends))


def copula_between(
    found: tuple[Array, Array], missed: tuple[Array, Array], covariance: Array, sd: tuple[Array, Array]
) -> Array:
    """Return the correlations that the covariance asks for between functions with such coefficients at both ends."""
    left, right = zip(found, missed, strict=True)
    return laws.copula(left, right, covariance, covariance / (sd[0] * sd[1]))


def ends(found: Array, missed: Array) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Return Hermite coefficients laid out for the two ends of a class pair, shapes (r, 1, c, 1) and (1, r, 1, c)."""
    left = (found[:, None, :, None, :], missed[:, None, :, None])
    right = (found[None, :, None, :, :], missed[None, :, None, :])
    return left, right


def _correlations(covariance: Array, across: Array, sd: Array) -> tuple[Array, Array]:
    product = sd[:, None, :, None] * sd[None, :, None, :]
    pair = np.divide(covariance, product, out=np.zeros_like(covariance), where=product > 0.0)
    own = np.divide(across, sd**2, out=np.zeros_like(sd), where=sd > 0.0)
    return np.clip(pair, -1.0, 1.0), np.clip(np.stack([np.ones_like(sd), own]), -1.0, 1.0)


NEAR = 0.05
"""Relative change of P(u > 0) over which the joint probability is the product times the same excess."""
MOST_NODES = 256
"""Nodes of the densities on u > 0."""
