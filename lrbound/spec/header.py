"""The parts of a spec around the layers: ``version``, ``name``, ``input`` and ``training``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lrbound.fields import Param
from lrbound.input_law import KINDS, OF_IMAGES, Input, typical
from lrbound.losses import LOSSES
from lrbound.network import Training
from lrbound.optimizers import OPTIMIZERS
from lrbound.spec.arguments import build
from lrbound.spec.diagnostics import Invalid, Mark, Problems
from lrbound.spec.names import known_entries, member
from lrbound.spec.scalars import (
    describe,
    is_null,
    read_choice,
    read_integer,
    read_number,
    read_scalar,
    read_text,
    resolve,
)
from lrbound.spec.tree import ListValue, MapValue, Scalar, Value

if TYPE_CHECKING:
    from lrbound.losses.base import Loss
    from lrbound.optimizers.base import Optimizer

VERSION = 1
LONGEST_NAME = 200
LONGEST_SIDE = 8192
MOST_FEATURES = 10**8

LAW = {
    "mean_square": Param("number", "E[x_i^2]", gt=0),
    "correlation": Param("number", "E[x_i y_i] / E[x_i^2] for two different samples x, y", ge=0, le=1),
    "top_share": Param("number", "largest eigenvalue of the samples' Gram matrix over its trace", ge=0, le=1),
    "centred_share": Param(
        "number", "the same after subtracting each feature's mean (images: each channel's)", ge=0, le=1
    ),
    "norm_kurtosis": Param("number", "E|x|^4 / E[|x|^2]^2", ge=1, le=1e6),
    "effective_features": Param("number", "equal features that samples have beside the first component", ge=1, le=1e9),
    "mean_share": Param("number", "images: variance of an image's own mean over E[x_i^2]", ge=0, le=1),
    "channel_correlation": Param("number", "images: correlation between channels of their means", ge=0, le=1),
}
KIND = Param("choice", "typical statistics for what is not stated", choices=tuple(KINDS))
TARGET_SCALE = Param("number", "root mean square of a sample's target vector; 1 for one-hot", ge=0)
TARGET_MEAN_SHARE = Param("number", "squared norm of the mean target by the targets' mean square", ge=0, le=1)
BATCH_SIZE = Param("integer", "samples in one step, or full", ge=1)
ACCUMULATION = Param("integer", "batches whose gradients one step averages", ge=1, le=10**6)
CLIP_NORM = Param("number", "norm to which a longer gradient is cut", gt=0)
NUMBERS = {
    "target_scale": TARGET_SCALE,
    "target_mean_share": TARGET_MEAN_SHARE,
    "accumulation": ACCUMULATION,
    "clip_norm": CLIP_NORM,
}
TRAINING_KEYS = ("loss", "batch_size", "optimizer", *NUMBERS)
GROUPS = (
    "optimizer: 'parameter_groups' are not available yet: how layers grow until the targets are fitted was checked with one rate for "
    "all of them; take the largest rate of the groups"
)
DEFAULT_LOSS = "half_squared_error"
DEFAULT_OPTIMIZER = "sgd"


def read_version(value: Value) -> None:
    """Raise Invalid unless the spec is of the format that this package reads."""
    if not isinstance(value, Scalar) or isinstance(resolve(value), bool) or resolve(value) != VERSION:
        raise Invalid(value.mark, f"'version' must be {VERSION}, got {describe(value)}")


def read_name(value: Value) -> str:
    """Return the network's name, which is printed and so must be printable."""
    name = read_text(value, "'name'", "a text (quote it if it looks like a number)")
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise Invalid(value.mark, f"'name' must have 1 to {LONGEST_NAME} printable characters")
    return name


def read_input(value: Value, problems: Problems) -> Input:
    """Return the law of the samples."""
    if not isinstance(value, MapValue):
        raise Invalid(value.mark, f"'input' must be a mapping with 'shape', got {describe(value)}")
    given = known_entries(value, ("shape", "kind", *LAW), "key", "input: ", problems)
    numbers: dict[str, float] = {}
    for key, param in LAW.items():
        if key in given:
            with problems.collecting():
                numbers[key] = read_number(given[key], param, f"input: '{key}'")
    if "shape" not in given:
        raise Invalid(value.mark, "input: 'shape' is missing")
    shape = _read_shape(given["shape"], problems)
    for key in OF_IMAGES:
        if key in numbers and len(shape) < 3:
            with problems.collecting():
                raise Invalid(given[key].mark, f"input: '{key}' is for images, [channels, height, width]")
    kind = None
    if "kind" in given:
        with problems.collecting():
            kind = read_choice(given["kind"], KIND, "input: 'kind'", problems)
    return typical(shape, kind, numbers)


def _read_shape(value: Value, problems: Problems) -> tuple[int, ...]:
    expected = "[features], [channels, length] or [channels, height, width]"
    if not isinstance(value, ListValue):
        raise Invalid(value.mark, f"input: 'shape' must be {expected}, got {describe(value)}")
    names = {1: ("features",), 2: ("channels", "length"), 3: ("channels", "height", "width")}.get(len(value.values))
    if names is None:
        raise Invalid(value.mark, f"input: 'shape' must be {expected}, got a list of {len(value.values)}")
    sizes: list[int] = []
    for name, item in zip(names, value.values, strict=True):
        most = MOST_FEATURES if name in ("features", "channels") else LONGEST_SIDE
        param = Param("integer", name, ge=1, le=most)
        with problems.collecting():
            sizes.append(read_integer(item, param, f"input: {name}", f"an integer from 1 to {most}"))
    return tuple(sizes)


def read_training(value: Value, problems: Problems) -> Training:
    """Return loss, batch size and optimiser; what is absent has its default."""
    if not isinstance(value, MapValue):
        raise Invalid(value.mark, f"'training' must be a mapping, got {describe(value)}")
    given = known_entries(value, TRAINING_KEYS, "key", "training: ", problems)
    given = {key: entry for key, entry in given.items() if not is_null(entry)}
    loss, batch_size, optimizer = LOSSES.get(DEFAULT_LOSS)(), None, OPTIMIZERS.get(DEFAULT_OPTIMIZER)()
    if "loss" in given:
        with problems.collecting():
            loss = _read_loss(given["loss"], problems)
    if "batch_size" in given:
        with problems.collecting():
            batch_size = _read_batch_size(given["batch_size"])
    if "optimizer" in given:
        with problems.collecting():
            optimizer = _read_optimizer(given["optimizer"], problems) or optimizer
    numbers: dict[str, Any] = {}
    for key, param in NUMBERS.items():
        if key in given:
            with problems.collecting():
                read = read_integer if param.type == "integer" else read_number
                numbers[key] = read(given[key], param, f"training: '{key}'")
    mark = _rate_mark(value)
    return Training(loss, batch_size, optimizer, line=mark.line, column=mark.column, **numbers)


def _rate_mark(training: MapValue) -> Mark:
    """Return where the text says the learning rate, or else the optimiser, or else how it is trained."""
    marks = [training.mark]
    if "optimizer" in training.entries:
        optimizer = training.entries["optimizer"].value
        marks.append(optimizer.mark)
        if isinstance(optimizer, MapValue) and "learning_rate" in optimizer.entries:
            marks.append(optimizer.entries["learning_rate"].value.mark)
    in_text = [mark for mark in marks if not mark.option]
    return in_text[-1] if in_text else Mark(0, 0)


def _read_loss(value: Value, problems: Problems) -> Loss:
    """Return the loss of ``mse`` or ``{cross_entropy: {label_smoothing: 0.1}}``."""
    mark, given = value.mark, MapValue(value.mark, {})
    if isinstance(value, MapValue):
        if len(value.entries) != 1:
            raise Invalid(
                mark, "training: 'loss' must be one name with its arguments, as {cross_entropy: {label_smoothing: 0.1}}"
            )
        ((name, (mark, inner)),) = value.entries.items()
        if isinstance(inner, MapValue):
            given = MapValue(mark, inner.entries)
        elif not is_null(inner):
            raise Invalid(inner.mark, f"loss: {name} takes its arguments by name, got {describe(inner)}")
    else:
        name = read_text(value, "training: 'loss'", "the name of a loss, or {name: arguments}")
    cls = member(LOSSES, "loss", name, mark, problems)
    for key, reason in cls.not_available.items():
        if key in given.entries:
            raise Invalid(given.entries[key].mark, f"{name}: '{key}' is not available: {reason}")

    def read(key: str, argument: Value, param: Param) -> object:
        return read_scalar(argument, param, f"{name}: '{key}'", problems)

    return build(cls, name, given, read, problems) or LOSSES.get(DEFAULT_LOSS)()


def _read_batch_size(value: Value) -> int | None:
    if isinstance(value, Scalar) and value.text == "full":
        return None
    return read_integer(value, BATCH_SIZE, "training: 'batch_size'", 'a positive integer or "full"')


def _read_optimizer(value: Value, problems: Problems) -> Optimizer | None:
    """Return the optimiser of ``sgd``, ``{name: sgd, momentum: 0.9}`` or ``{momentum: 0.9}``."""
    name, mark, given = DEFAULT_OPTIMIZER, value.mark, {}
    if isinstance(value, MapValue):
        given = dict(value.entries)
        if "name" in given:
            named = given.pop("name").value
            name, mark = read_text(named, "optimizer: 'name'", "the name of an optimizer"), named.mark
    else:
        name = read_text(value, "training: 'optimizer'", "a name or {name: ..., arguments}")
    if "parameter_groups" in given:
        raise Invalid(given["parameter_groups"].value.mark, GROUPS)
    cls = member(OPTIMIZERS, "optimizer", name, mark, problems)

    def read(key: str, argument: Value, param: Param) -> object:
        return read_scalar(argument, param, f"{name}: '{key}'", problems)

    return build(cls, name, MapValue(mark, given), read, problems)
