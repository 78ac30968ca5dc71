"""Runs of equal layers become repeats: the shortest period first, inner lists before outer ones."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from lrbound.activations.base import Activation
from lrbound.importing.item import Item
from lrbound.layers import LAYERS

if TYPE_CHECKING:
    from lrbound.importing.item import Chain

LONGEST_PERIOD = 64
"""Entries of one list that are looked at as the body of a repeat."""


def folded(chain: Chain) -> Chain:
    """Return a chain with repeats for what stands in it several times in a row."""
    inner = tuple(dataclasses.replace(i, branches=tuple(folded(branch) for branch in i.branches)) for i in chain)
    for period in range(1, min(LONGEST_PERIOD, len(inner) // 2) + 1):
        inner = _fold(inner, period)
    return inner


def _fold(chain: Chain, period: int) -> Chain:
    patterns = [item.pattern for item in chain]
    result: list[Item] = []
    start = 0
    while start < len(chain):
        times = 1
        while patterns[start + times * period : start + (times + 1) * period] == patterns[start : start + period]:
            times += 1
        # a single entry twice is shorter written out
        if times > 1 and (period > 1 or times > 2 or chain[start].branches):
            shift = _shift(chain, patterns, start, period, times)
            result += chain[start : start + shift]
            start += shift
            copies = [chain[start + copy * period : start + (copy + 1) * period] for copy in range(times)]
            result.append(_repeat(copies))
            start += times * period
        else:
            result.append(chain[start])
            start += 1
    return tuple(result)


def _shift(chain: Chain, patterns: list[tuple[object, ...]], start: int, period: int, times: int) -> int:
    """Return how many entries later the copies can begin, so that none begins with an activation."""
    most = 0
    while patterns[start + times * period + most : start + times * period + most + 1] == [patterns[start + most]]:
        most += 1
    for shift in range(most + 1):
        if not issubclass(LAYERS.get(chain[start + shift].kind), Activation):
            return shift
    return 0


def _repeat(copies: list[Chain]) -> Item:
    """Return a repeat whose layers name where the first and the last copy come from."""
    first, last = copies[0], copies[-1]
    layers = tuple(_spanning(a, b) for a, b in zip(first, last, strict=True))
    return Item("repeat", {"times": len(copies)}, (layers,), last[-1].shape)


def _spanning(first: Item, last: Item) -> Item:
    branches = tuple(
        tuple(_spanning(a, b) for a, b in zip(one, other, strict=True))
        for one, other in zip(first.branches, last.branches, strict=True)
    )
    return dataclasses.replace(first, branches=branches, places=(*first.places[:1], *last.places[-1:]))
