"""A spec as text, with the changes to it: what is parsed again wherever a knob changes more than numbers."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lrbound.spec import SpecError, parse

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lrbound.network import Network
    from lrbound.prediction import Prediction
    from lrbound.spec.overrides import Default

    Predict = Callable[[Network], Prediction]

Override = tuple[str, str]


@dataclass(frozen=True)
class Source:
    """A spec that can be parsed again and again.

    Attributes
    ----------
    text : str
        YAML.
    source : str
        What messages call it.
    name : str
        The network's name where the spec has none.
    overrides : tuple of (str, str)
        Changes to the text, in this order.
    defaults : tuple of (str, str, str)
        What holds where the text says nothing.
    """

    text: str
    source: str = "<string>"
    name: str = "network"
    overrides: tuple[Override, ...] = ()
    defaults: tuple[Default, ...] = ()

    def plus(self, *overrides: Override) -> Source:
        """Return the source with more changes."""
        return replace(self, overrides=(*self.overrides, *overrides))

    def network(self, *varied: Override) -> Network:
        """Parse, with the values of the knobs that are varied; messages about those name ``--vary``."""
        try:
            return parse(
                self.text,
                source=self.source,
                name=self.name,
                overrides=[*self.overrides, *varied],
                defaults=self.defaults,
            )
        except SpecError as error:
            found = (
                replace(one, source=_renamed(one.source, varied)) if not one.line else one for one in error.diagnostics
            )
            raise SpecError(tuple(found)) from None


def named_apart(sources: Sequence[Source]) -> list[Source]:
    """Return the sources under different names: a file's where the spec's is taken."""
    taken: set[str] = set()
    apart = []
    for source in sources:
        name = source.network().name
        if name in taken:
            others = itertools.chain([source.name], (f"{name}-{i}" for i in itertools.count(2)))
            name = next(new for new in others if new not in taken)
            source = source.plus(("name", repr(name)))  # noqa: PLW2901 - renamed
        taken.add(name)
        apart.append(source)
    return apart


def _renamed(option: str, varied: tuple[Override, ...]) -> str:
    changed = any(option.startswith(f"--set {path}=") for path, _ in varied)
    return option.replace("--set ", "--vary ", 1) if changed else option
