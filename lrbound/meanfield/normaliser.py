"""The map of a normaliser gamma zhat + beta, forward and back, for statistics of every kind."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from lrbound.meanfield.gradient import Gradient, Portion, Share
from lrbound.meanfield.projection import pull_through
from lrbound.meanfield.statistics import mixture_of, normalise, without_mean
from lrbound.notices import Notice

if TYPE_CHECKING:
    from collections.abc import Callable

    from lrbound.meanfield.contract import Context, Pullback
    from lrbound.meanfield.gradient import Sums
    from lrbound.meanfield.kernel import Kernel
    from lrbound.meanfield.statistics import Statistics


def normaliser(
    kernel: Kernel,
    ctx: Context,
    statistics: Statistics,
    *,
    eps: float,
    gamma: float,
    beta: float = 0.0,
    learnable: tuple[bool, bool] = (True, True),
) -> tuple[Kernel, Pullback]:
    """Return the kernel of gamma zhat + beta, and the pullback through the statistics.

    Parameters
    ----------
    learnable : (bool, bool)
        Whether gamma and beta are trained.
    """
    if not kernel.gaussian:
        assumed = "of equal variances" if statistics.channels == 1 else "as Gaussian"
        ctx.warn(Notice("LRB031", f"{statistics.kind} on values that are not Gaussian: taken {assumed}, not checked"))
    samples = statistics.samples if statistics.batch else 1.0
    values, way = kernel if statistics.channels == 1 else without_mean(kernel, ctx, statistics), None
    if kernel.near is not None:
        from lrbound.meanfield.regroup import told_apart

        values, way = told_apart(values, samples)
    if values.parts and statistics.channels == 1:
        from lrbound.meanfield.concat import normalise_parts

        zhat, portion = normalise_parts(values, statistics, eps, ctx)
    else:
        zhat, portion = normalise(values, statistics, eps, ctx), None
    gamma2 = gamma**2
    out = values.becomes(
        gamma2 * zhat.pair + beta**2,
        gamma2 * zhat.site,
        mean=beta,
        gaussian=kernel.gaussian,
        near=None if zhat.near is None else zhat.near.scaled(gamma2),
        few=values.few if statistics.batch and statistics.channels == 1 else None,
    )
    through = ctx.through or not statistics.batch
    mixture = mixture_of(values, statistics) if through else None

    def pull(gradient: Gradient) -> tuple[Gradient, Share]:
        below, product = pull_through(gradient, zhat, gamma2, mixture, through=ctx.through)
        share = learnable[0] * product.total() + learnable[1] * gradient.delta.total()
        if way is not None:
            below = way.backward(below, kernel.near)
        portions = () if portion is None else (Portion(portion, below),)
        leaning = None
        if out.few is not None and gradient.excess is not None:
            leaning = partial(_leaning, gradient.excess, out, gamma2, samples)
        return Gradient(below, portions=portions, leaning=leaning), Share(share[..., 0], share[..., 1])

    return out, pull


def _leaning(excess: Callable[[], Sums], kernel: Kernel, gamma2: float, samples: float) -> Sums:
    from lrbound.meanfield.leaning import below_statistics

    return below_statistics(excess(), kernel, gamma2, samples)
