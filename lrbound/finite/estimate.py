"""The stage's entry: lambda_max and its interval at finite batch, width and number of outputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lrbound.finite.bulk import bulk
from lrbound.finite.combine import Branch, combine
from lrbound.finite.localised import localised
from lrbound.finite.outputs import parts
from lrbound.finite.stages import profile
from lrbound.finite.walk import visits

if TYPE_CHECKING:
    from lrbound.finite.profile import Profile
    from lrbound.layers.base import Context
    from lrbound.network import Network


def estimate(network: Network, ctx: Context):
    pr = profile(visits(network, ctx), ctx.samples, network.outputs, through=ctx.through)
    co = float(parts(pr).sum()); lo = localised(pr); de = bulk(pr)
    v = combine(co, lo.value, de.edge, float(pr.complement.sum())/pr.samples, de.centre)
    return v, co, lo, de, pr
