"""The stage's entry: lambda_max and its interval at finite batch, width and number of outputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lrbound.finite import interval
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
    pr = profile(visits(network, ctx), ctx, network.outputs)
    co = float(parts(pr).sum()); lo = localised(pr); de = bulk(pr)
    v = combine(co, lo.value, de.edge, float(pr.complement.sum())/pr.samples, de.centre)
    var=(interval.coherent(pr), interval.localised(pr,lo), interval.bulk(pr,de.parts))
    import numpy as np
    w=np.array([co,lo.value,de.edge])/v.value; w=np.minimum(w,1)**16; w/=w.sum()
    s2=float(w@np.array(var))
    return v, co, lo, de, pr, var, s2, interval.around(v.value,s2)
