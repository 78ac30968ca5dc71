"""A network between two others: where a knob changes numbers alone, they can be set without parsing the spec again."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lrbound.fields import Param
    from lrbound.network import Network


@dataclasses.dataclass(frozen=True)
class Leaf:
    """A number that differs between two networks.

    Attributes
    ----------
    one, other : Any
        Its values.
    param : Param or None
        How it was declared, if it was by :mod:`lrbound.fields`.
    """

    one: Any
    other: Any
    param: Param | None = None


def leaves(one: Network, other: Network) -> list[Leaf]:
    """Return what differs between two networks."""
    found: list[Leaf] = []
    _differing(one, other, None, found)
    return found


def with_value(one: Network, other: Network, value: float) -> Network:
    """Return the network in which all that differs between the two has a value.

    Parameters
    ----------
    one, other : Network
        The same spec at two values of a continuous knob: all :func:`leaves` are these two numbers.
    value : float
    """
    mixed: Network = _mixed(one, other, value)
    return mixed


def _differing(one: Any, other: Any, param: Param | None, found: list[Leaf]) -> None:
    if one is other:
        return
    if _alike(one, other):
        for (here, declared), (there, _) in zip(_parts(one), _parts(other), strict=True):
            _differing(here, there, declared, found)
    elif not _equal(one, other):
        found.append(Leaf(one, other, param))


def _mixed(one: Any, other: Any, value: float) -> Any:
    if one is other:
        return one
    if not _alike(one, other):
        return one if _equal(one, other) else value
    if isinstance(one, tuple):
        return tuple(_mixed(here, there, value) for here, there in zip(one, other, strict=True))
    names = [field.name for field in dataclasses.fields(one)]
    mixed = {name: _mixed(getattr(one, name), getattr(other, name), value) for name in names}
    changed = {name: part for name, part in mixed.items() if part is not getattr(one, name)}
    return dataclasses.replace(one, **changed) if changed else one


def _alike(one: Any, other: Any) -> bool:
    """Whether both have parts, and the same ones."""
    if type(one) is not type(other):
        return False
    return dataclasses.is_dataclass(one) or (isinstance(one, tuple) and len(one) == len(other))


def _equal(one: Any, other: Any) -> bool:
    # losses have no arguments and no equality: two of one class are the same
    plain = isinstance(one, bool | int | float | str | tuple | type(None))
    return bool(type(one) is type(other) and (one == other if plain else True))


def _parts(value: Any) -> list[tuple[Any, Param | None]]:
    if isinstance(value, tuple):
        return [(item, None) for item in value]
    return [(getattr(value, field.name), field.metadata.get("param")) for field in dataclasses.fields(value)]
