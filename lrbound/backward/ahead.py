"""What the backward pass still has ahead of it: the chain below a place, as far as it decides what is counted there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrbound.forward.roles import absorbs, weighted
from lrbound.forward.sweep import Fork

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lrbound.forward.sweep import Chain, Step
    from lrbound.meanfield.contract import Context
    from lrbound.meanfield.statistics import Statistics


def down(chain: Chain) -> Iterator[Step]:
    """Yield the layers of a chain downwards, at forks by the arm with the most layers."""
    for step in reversed(chain):
        if isinstance(step, Fork):
            yield from down(max(step.chains, key=len))
        else:
            yield step


def down_to_fork(chain: Chain) -> Iterator[Step]:
    """Yield the layers of a chain downwards, up to the first fork."""
    for step in reversed(chain):
        if isinstance(step, Fork):
            return
        yield step


def draws(chain: Chain) -> bool:
    """Say whether a branch has random weights."""
    return any(
        any(draws(arm) for arm in step.chains) if isinstance(step, Fork) else weighted(step.node.layer)
        for step in chain
    )


def absorbed_below(chains: Sequence[Chain], ctx: Context) -> bool:
    """Say whether batch statistics absorb the mean over the batch before the next weight layer.

    ``chains`` are what is left of the branch, and of those around it, from the inside out.
    """
    absorbed = False
    for chain in chains:
        for step in down(chain):
            absorbed |= ctx.through and absorbs(step.node.layer, step.below.channels, ctx.samples)
            if weighted(step.node.layer):
                return absorbed
    return absorbed


def statistics_below(chain: Chain, ctx: Context) -> tuple[Step | None, Statistics | None]:
    """Return the normaliser that comes next, if one does."""
    under = chain[-1] if chain else None
    if under is None or isinstance(under, Fork):
        return None, None
    found = under.node.layer.statistics(under.below.channels, ctx.samples)
    if found is None or (found.batch and not ctx.through):
        return None, None
    return under, found
