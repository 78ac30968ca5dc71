"""From steps that follow from one another to nested lists: what a spec has for branches.

A join is nested between the last value that all ways to it have passed (its inputs' common dominator) and itself. Each step
is written once, so that the work is linear; a net in which two branches share a part has no such form.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrbound.importing.item import Item, item_of
from lrbound.importing.refusal import Reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrbound.importing.item import Chain
    from lrbound.importing.step import Step

NAMES = {"sum": "residual", "concat": "concat", "product": "multiply"}


class NotNested(Exception):
    """Two branches share a part."""

    def __init__(self, reason: Reason) -> None:
        self.reason = reason
        super().__init__(reason.text)


def nest(steps: Sequence[Step], output: int) -> Chain:
    """Return the layers between the input and value ``output`` as nested lists.

    Raises
    ------
    NotNested
        Where branches cross.
    """
    return _Nesting(_grouped(steps), output).chain(0, output)


def reached(steps: Sequence[Step], output: int) -> set[int]:
    """Return the numbers of the values that the output depends on."""
    found, waiting = set[int](), [output]
    while waiting:
        number = waiting.pop()
        if number not in found:
            found.add(number)
            waiting.extend(steps[number - 1].inputs if number else ())
    return found


def _grouped(steps: Sequence[Step]) -> list[Step]:
    """Let concatenations that begin with all of an earlier one take its result.

    Densely connected blocks keep a list of all features and concatenate it anew for every layer.
    """
    import dataclasses

    earlier: dict[tuple[int, ...], int] = {}
    result: list[Step] = []
    for number, step in enumerate(steps, start=1):
        if step.join == "concat":
            for length in range(len(step.inputs) - 1, 1, -1):
                known = earlier.get(step.inputs[:length])
                if known is not None:
                    earlier[step.inputs] = number
                    step = dataclasses.replace(step, inputs=(known, *step.inputs[length:]))  # noqa: PLW2901
                    break
            else:
                earlier.setdefault(step.inputs, number)
        result.append(step)
    return result


class _Nesting:
    """The steps that an output depends on, with their dominators."""

    def __init__(self, steps: Sequence[Step], output: int) -> None:
        self._steps = steps
        self._depth: dict[int, int] = {0: 0}
        self._above: dict[int, int] = {0: 0}
        self._written: set[int] = set()
        for number in sorted(reached(steps, output) - {0}):
            inputs = steps[number - 1].inputs or (0,)
            common = self._common(inputs)
            self._above[number], self._depth[number] = common, self._depth[common] + 1

    def _common(self, numbers: Sequence[int]) -> int:
        """Return the last value that all ways to all of ``numbers`` have passed."""
        first, *rest = numbers
        for other in rest:
            while first != other:
                if self._depth[first] < self._depth[other]:
                    other = self._above[other]  # noqa: PLW2901
                else:
                    first = self._above[first]
        return first

    def chain(self, start: int, end: int) -> Chain:
        """Return the layers between two values, the first of which all ways to the second have passed."""
        items: list[Item] = []
        while end != start:
            step = self._steps[end - 1]
            if end in self._written:
                text = "its result is used in two branches that do not end in the same place"
                raise NotNested(Reason(step.origin, f"{text}; branches of a spec begin and end together"))
            self._written.add(end)
            if step.join:
                items.append(self._join(step, step.inputs, self._above[end]))
            elif step.layer is None:  # it stands in
                items.append(Item("identity", {}, (), step.shape, (str(step.origin),), (), f"STAND-IN: {step.note}"))
            else:
                items.append(item_of(step.layer, step.shape, step.origin.path, step.drawn, step.note))
            end = self._above[end]
        return tuple(reversed(items))

    def _join(self, step: Step, inputs: Sequence[int], start: int) -> Item:
        """Return a join of values that all come from ``start``; those with a later common part are joined first."""
        branches: list[Chain] = []
        for group in self._groups(inputs, start):
            if len(group) == 1:
                branches.append(self.chain(start, group[0]))
            else:
                common = self._common(group)
                inner = self._join(step, group, common)
                branches.append((*self.chain(start, common), inner))
        return _item_of_join(step, branches)

    def _groups(self, inputs: Sequence[int], start: int) -> list[list[int]]:
        """Return neighbouring inputs together that have passed another value since ``start``."""
        groups: list[list[int]] = []
        heads: list[int | None] = []
        for number in inputs:
            head = self._head(number, start)
            if head is not None and heads and heads[-1] == head:
                groups[-1].append(number)
            else:
                groups.append([number])
                heads.append(head)
        return groups

    def _head(self, number: int, start: int) -> int | None:
        """Return the first value after ``start`` that all ways to ``number`` have passed; None for ``start`` itself."""
        head = None
        while number != start:
            head, number = number, self._above[number]
        return head


def _item_of_join(step: Step, branches: list[Chain]) -> Item:
    places = (step.origin.path,) if step.origin.path else ()
    if step.join != "sum":
        return Item(NAMES[step.join], {}, tuple(branches), step.shape, places)
    total, *rest = branches
    for index, branch in enumerate(rest):
        body, shortcut = (branch, total) if len(branch) > len(total) else (total, branch)
        item = Item("residual", {}, (body, shortcut), step.shape, places if index == len(rest) - 1 else ())
        total = (item,)
    return total[0]
