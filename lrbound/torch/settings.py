"""What torch's losses and optimisers are in the words of a spec."""

from __future__ import annotations

from dataclasses import MISSING, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from lrbound.errors import Refused
from lrbound.fields import params
from lrbound.losses import LOSSES
from lrbound.optimizers import OPTIMIZERS
from lrbound.optimizers.base import Optimizer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import nn

    from lrbound.losses.base import Loss

WEIGHTS = ("weight", "pos_weight")
"""Attributes of torch's losses that weigh classes."""
RATES = ("lr", "initial_lr", "max_lr")
"""Keys of a parameter group that hold a rate; the last two are those of schedules."""


class Criterion(NamedTuple):
    """A loss as torch has it.

    Attributes
    ----------
    loss : Loss
        Its mean over the samples.
    is_sum : bool
        Whether torch adds up the samples (and the outputs) instead.
    """

    loss: Loss
    is_sum: bool = False

    def multiple(self, batch_size: int, outputs: int) -> float:
        """Return the loss that torch computes divided by ``loss``."""
        return replace(self.loss, reduction="sum" if self.is_sum else "mean").times_mean(batch_size, outputs)


def criterion_of(given: object, implied: Loss) -> Criterion:
    """Return what a loss of torch, or the name of one, is in a spec.

    Parameters
    ----------
    given : torch.nn.Module, function or str
        A module of torch.nn, a function of torch.nn.functional, or a name: that of a spec or torch's.
    implied : Loss
        What the model's last operation says: a log_softmax belongs to a cross-entropy.

    Raises
    ------
    Refused
        Where it is another loss, or one with settings that a spec has no word for.
    """
    name = given if isinstance(given, str) else getattr(given, "__name__", type(given).__name__)
    loss = _with_arguments(_loss(name, implied), given)
    for attribute in WEIGHTS:
        if getattr(given, attribute, None) is not None:
            raise Refused(
                f"{name} weighs classes ({attribute}), which a spec has no word for; leave it out to be answered"
            )
    reduction = getattr(given, "reduction", "mean")
    if reduction not in ("mean", "sum"):
        raise Refused(f"{name} has reduction={reduction!r}; give it reduction='mean' or 'sum', as it is trained on")
    return Criterion(loss, reduction == "sum")


def _with_arguments(loss: Loss, given: object) -> Loss:
    """Return a loss with the arguments that torch's module has under the same names; ``reduction`` is said elsewhere."""
    names = [name for name in params(type(loss)) if name != "reduction" and hasattr(given, name)]
    return replace(loss, **{name: getattr(given, name) for name in names})


def _loss(name: str, implied: Loss) -> Loss:
    members = [LOSSES.get(kind) for kind in LOSSES.names()]
    for member in members:
        kind = member.__module__.rpartition(".")[2]
        if name == kind or name in member.torch_names:
            return member()
        if name in member.torch_names_after_output:
            if isinstance(implied, member):
                return implied
            last = member.torch_output
            raise Refused(
                f"{name} belongs to a model that ends in {last}, which this one does not; give the loss it is trained on"
            )
    known = ", ".join(names[0] for member in members if (names := member.torch_names))
    raise Refused(
        f"the loss {name} is none of {known}; give the one that is closest to it, or its name: {', '.join(LOSSES.names())}"
    )


class Group(NamedTuple):
    """One parameter group: its number, and the optimiser of a spec with the rate that it has."""

    number: int
    optimizer: Optimizer


def groups_of(given: Any, model: nn.Module) -> list[Group]:
    """Return the parameter groups of an optimiser that train a model.

    Parameters
    ----------
    given : torch.optim.Optimizer, str, dict or lrbound's Optimizer
        ``"sgd"`` or ``{"name": "sgd", "momentum": 0.9}`` stand for a single group.
    model : torch.nn.Module

    Raises
    ------
    Refused
        Where the optimiser or a setting of it is not known, or no group has parameters of the model.
    """
    if isinstance(given, Optimizer):
        return [Group(0, given)]
    if isinstance(given, str):
        return [Group(0, named({"name": given}))]
    if isinstance(given, dict):
        return [Group(0, named(given))]
    while isinstance(inner := getattr(given, "optimizer", None), torch.optim.Optimizer):
        given = inner  # of a wrapper, such as Accelerate's
    if not hasattr(given, "param_groups"):
        raise TypeError(f"optimizer must be a torch.optim.Optimizer or the name of one, got {type(given).__name__}")
    member, own = _member(given), {id(parameter) for parameter in model.parameters()}
    found = [
        Group(number, replace(member.from_torch(group), learning_rate=_rate(group)))
        for number, group in enumerate(given.param_groups)
        if any(id(parameter) in own for parameter in group["params"])
    ]
    if not found:
        raise Refused("the optimizer has no parameters of this model; make it with model.parameters()")
    return found


def _member(optimizer: object) -> type[Optimizer]:
    """Return the optimiser of a spec that a class of torch is, or is derived from."""
    members = {member.torch_class: member for member in map(OPTIMIZERS.get, OPTIMIZERS.names()) if member.torch_class}
    for cls in type(optimizer).__mro__:
        if cls.__name__ in members and cls.__module__.startswith("torch."):
            return members[cls.__name__]
    raise Refused(
        f"there is no theory for the optimizer {type(optimizer).__name__}; known are {', '.join(members)} of torch.optim"
    )


def _rate(group: Mapping[str, Any]) -> float | None:
    """Return the highest rate that a group is known to have; None for 0, which no schedule raises."""
    return max(float(group[key]) for key in RATES if key in group) or None


def named(given: Mapping[str, Any]) -> Optimizer:
    """Return an optimiser by its name in a spec and its arguments there."""
    arguments = dict(given)
    name = arguments.pop("name", "")
    if name not in OPTIMIZERS:
        raise ValueError(f"unknown optimizer {name!r}; known are {', '.join(OPTIMIZERS.names())}")
    member = OPTIMIZERS.get(name)
    problems = list(_problems(member, arguments))
    if problems:
        raise ValueError(f"{name}: {'; '.join(problems)}")
    return member(**arguments)


def _problems(member: type[Optimizer], arguments: Mapping[str, Any]) -> Iterator[str]:
    known = params(member)
    for key, value in arguments.items():
        if key not in known:
            yield f"unknown argument {key!r}; known are {', '.join(known)}"
            continue
        param, _ = known[key]
        values = value if isinstance(value, tuple | list) else (value,)
        numeric = all(isinstance(x, int | float) and isinstance(x, bool) == (param.type == "boolean") for x in values)
        if len(values) != (2 if param.type == "numbers" else 1) or not numeric or not all(map(param.allows, values)):
            yield f"{key!r} must be {param.expected()}, got {value!r}"
    for key, (_, default) in known.items():
        if default is MISSING and key not in arguments:
            yield f"{key!r} is missing"
