"""``lrbound.torch.check`` and ``suggest``: one line in a training script."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from lrbound.errors import Refused
from lrbound.torch.verdict import (
    Action,
    GroupRate,
    LearningRateTooHigh,
    RateCheck,
    checked_action,
    tell,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import nn

    from lrbound.explore.statistics import Statistics
    from lrbound.importing.translate import Translation
    from lrbound.losses.base import Loss
    from lrbound.network import Network
    from lrbound.optimizers.base import Optimizer
    from lrbound.torch.settings import Group


def check(
    model: nn.Module,
    optimizer: Any,
    input_shape: Sequence[int] | None,
    loss: Any,
    *,
    batch_size: int | None = None,
    data: Any = None,
    action: Action = "warn",
) -> RateCheck | None:
    """Hold the learning rate of an optimiser against the largest that training of a model is expected to survive.

    Call it before the first step: the theory is that of initialisation. The model, the optimiser, the data and all random
    states stay as they are.

    Parameters
    ----------
    model : torch.nn.Module
        With its weights as they were drawn.
    optimizer : torch.optim.Optimizer
        Rate, momentum and so on are those of its parameter groups. Where a schedule is attached, the highest rate that it
        tells the optimiser counts.
    input_shape : sequence of int or None
        Of one sample, such as ``(3, 32, 32)``; None takes it from ``data``.
    loss : torch.nn.Module, function or str
        ``nn.CrossEntropyLoss()``, ``nn.MSELoss()``, ``nn.BCEWithLogitsLoss()``, their functions, or the name of one.
    batch_size : int, optional
        Samples in one step; that of the loader if absent.
    data : DataLoader, array or tensor, optional
        What the model is trained on; the statistics of its first batches enter the answer. Without it samples are taken as
        white, of mean square 1.
    action : {"warn", "raise", "log"}
        What to do where a rate is too high, or where there is no answer for this model: a
        :class:`~lrbound.torch.LearningRateWarning`, an exception, or a line of the logger ``lrbound``.

    Returns
    -------
    RateCheck or None
        None where there is no answer.

    Raises
    ------
    LearningRateTooHigh
        With ``action="raise"``, where a rate is so high that training is expected to fail; up to there it warns.
    lrbound.errors.Refused, lrbound.importing.refusal.ModelError
        With ``action="raise"``, where there is no answer.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> model = nn.Sequential(nn.Linear(64, 200), nn.BatchNorm1d(200), nn.ReLU(), nn.Linear(200, 10))
    >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    >>> check(model, optimizer, (64,), nn.CrossEntropyLoss(), batch_size=128).ok
    True
    """
    checked_action(action)
    find = partial(rates, model, optimizer, input_shape, loss, batch_size=batch_size, data=data)
    return checked(find, action, level=2)


def suggest(
    model: nn.Module,
    optimizer: Any,
    input_shape: Sequence[int] | None,
    loss: Any,
    *,
    batch_size: int | None = None,
    data: Any = None,
) -> float:
    """Return the learning rate to start with.

    Parameters
    ----------
    model, input_shape, loss, batch_size, data
        See :func:`check`.
    optimizer : torch.optim.Optimizer, str or dict
        Its rate does not matter. ``"sgd"`` and ``{"name": "sgd", "momentum": 0.9}`` will do, as in a spec.

    Returns
    -------
    float
        The smallest of those of the parameter groups; :func:`check` gives each.

    Raises
    ------
    lrbound.errors.Refused, lrbound.importing.refusal.ModelError
        Where there is no answer for this model, loss or optimiser.

    Examples
    --------
    >>> from torch import nn
    >>> model = nn.Sequential(nn.Linear(64, 200), nn.BatchNorm1d(200), nn.ReLU(), nn.Linear(200, 10))
    >>> 0.001 < suggest(model, {"name": "sgd", "momentum": 0.9}, (64,), "cross_entropy", batch_size=128) < 10.0
    True
    """
    found = rates(model, optimizer, input_shape, loss, batch_size=batch_size, data=data)
    starts = [rate for group in found.groups if (rate := group.recommended_learning_rate) is not None]
    if not starts:
        raise Refused("; ".join(("no rate to start with is known for this model", *found.notes)))
    return min(starts)


def checked(find: Callable[[], RateCheck], action: Action, level: int = 1) -> RateCheck | None:
    """Do what :func:`check` does with what ``find`` returns; a warning points at the line ``level`` frames above its caller."""
    from lrbound.importing.refusal import ModelError

    try:
        found = find()
    except (Refused, ModelError) as error:
        if action == "raise":
            raise
        text = str(error).removeprefix("error: ")
        tell(Refused(f"the learning rate was not checked: {text}"), action, level + 1)
        return None
    if not found.ok:
        tell(LearningRateTooHigh(found.message), "warn" if action == "raise" and not found.fails else action, level + 1)
    return found


def rates(
    model: nn.Module,
    optimizer: Any,
    input_shape: Sequence[int] | None,
    loss: Any,
    *,
    batch_size: int | None = None,
    data: Any = None,
) -> RateCheck:
    """Return the rates of an optimiser's parameter groups beside the largest ones.

    Raises
    ------
    lrbound.errors.Refused, lrbound.importing.refusal.ModelError
        Where there is no answer.
    """
    from lrbound.importing.record import record
    from lrbound.importing.translate import translate
    from lrbound.torch.batches import batch_size_of, first_batches, random_states_kept
    from lrbound.torch.settings import groups_of

    groups = groups_of(optimizer, model)
    found = None if data is None else first_batches(data)
    shape = input_shape if input_shape is not None else None if found is None else found.shape
    if shape is None:
        raise ValueError("input_shape is needed where there is no data: the shape of one sample, such as (3, 32, 32)")
    samples = batch_size or batch_size_of(data)
    if samples is None:
        raise ValueError("batch_size is needed where data is no loader: the number of samples in one step")
    with random_states_kept():
        translation = translate(record(model, shape))
    return answer(translation, groups, loss, samples, found, _untrained(model, optimizer))


def answer(
    translation: Translation,
    groups: Sequence[Group],
    loss: Any,
    batch_size: int,
    statistics: Statistics | None,
    notes: Sequence[str] = (),
) -> RateCheck:
    """Return the rates of parameter groups beside the largest ones of a model that was read.

    Parameters
    ----------
    translation : Translation
    groups : sequence of Group
    loss
        As :func:`check` takes it.
    batch_size : int
    statistics : Statistics or None
        Of the data.
    notes : sequence of str
        What else was taken for granted.
    """
    from lrbound.torch.settings import criterion_of
    from lrbound.unknown_data import unknown_data

    network = translation.network
    criterion = criterion_of(loss, network.training.loss)
    problem = criterion.loss.check(network.outputs)
    if problem is not None:
        raise Refused(problem)
    network = _trained(network, criterion.loss, batch_size, statistics)
    multiple = criterion.multiple(batch_size, network.outputs)
    known: dict[Optimizer, GroupRate] = {}
    answers = []
    for index, optimizer in groups:
        alike = replace(optimizer, learning_rate=None)
        if alike not in known:
            known[alike] = _largest(network, alike, multiple)
        answers.append(replace(known[alike], index=index, learning_rate=optimizer.learning_rate))
    said = [
        *translation.notes,
        *notes,
        *map(str, (*answers[0].prediction.warnings, *unknown_data(network))),
    ]
    return RateCheck(tuple(answers), tuple(dict.fromkeys(said)))


def _trained(network: Network, loss: Loss, batch_size: int, found: Statistics | None) -> Network:
    """Return the network on these data, in batches of so many samples."""
    training = replace(network.training, loss=loss, batch_size=batch_size)
    if found is None:
        return replace(network, training=training)
    scale = training.target_scale if found.target_scale is None else found.target_scale
    law = found.law(network.input.shape)
    return replace(network, input=law, training=replace(training, target_scale=scale))


def _largest(network: Network, optimizer: Optimizer, multiple: float) -> GroupRate:
    """Return the rates of an optimiser on ``multiple`` times the network's loss."""
    from lrbound.predictor import predict

    same = optimizer.on_multiple(multiple)
    if same is None:
        raise Refused(
            f"there is no rule for {optimizer.kind} with a loss that is a sum over the samples; give the mean"
        )
    inner, factor = same
    prediction = predict(replace(network, training=replace(network.training, optimizer=inner)))
    told = (
        prediction.max_learning_rate,
        prediction.recommended_learning_rate,
        prediction.first_step_learning_rate,
    )
    largest, start, first = (None if rate is None else rate / factor for rate in told)
    if largest is None and first is None:
        raise Refused("; ".join(("no largest learning rate is known for this model", *map(str, prediction.warnings))))
    return GroupRate(0, None, largest, start, first, prediction)


def _untrained(model: nn.Module, optimizer: Any) -> list[str]:
    """Return a note on parameters that no group of the optimiser has."""
    groups = getattr(optimizer, "param_groups", None)
    if groups is None:
        return []
    held = {id(parameter) for group in groups for parameter in group["params"]}
    left = sum(p.numel() for p in model.parameters() if p.requires_grad and id(p) not in held)
    return (
        [f"{left} parameters of the model are in no group of the optimizer; they are taken as trained"] if left else []
    )
